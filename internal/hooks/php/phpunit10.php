<?php

namespace Oom143;

use PHPUnit\Event\Code\Test;
use PHPUnit\Event\Event;
use PHPUnit\Event\Test as Events10;
use PHPUnit\Event\TestRunner\ExecutionStarted;
use PHPUnit\Event\Tracer\Tracer;

// The tracer for PHPUnit 10 and later. A test in a process of its own is seen
// when that process has ended: PHPUnit hands on its events only then.
final class PHPUnit10 implements Tracer
{
    private ?string $running = null;
    private bool $prepared = false;
    private ?string $outcome = null;

    public function trace(Event $event): void
    {
        try {
            $this->report($event);
        } catch (\Throwable $e) {
            return; // an event that looks different
        }
    }

    private function report(Event $event): void
    {
        switch (true) {
            case $event instanceof ExecutionStarted:
                Events::emit('phase', ['phase' => '']);
                break;
            case $event instanceof Events10\PreparationStarted:
                $this->finish();
                $this->start($event->test());
                break;
            case $event instanceof Events10\Prepared:
                $this->prepared = true;
                break;
            case $event instanceof Events10\Passed:
                $this->outcome = $this->outcome ?? 'passed';
                break;
            case $event instanceof Events10\Skipped:
            case $event instanceof Events10\MarkedIncomplete:
                $this->end('skipped');
                break;
            case $event instanceof Events10\Failed:
            case $event instanceof Events10\Errored:
                $this->end('failed');
                break;
            case $event instanceof Events10\Finished:
                $this->finish();
                break;
        }
    }

    // A test that did not get past its preparation has no Finished event.
    private function end(string $outcome): void
    {
        $this->outcome = $outcome;
        if (!$this->prepared) {
            $this->finish();
        }
    }

    private function start(Test $test): void
    {
        $this->running = self::id($test);
        $this->prepared = false;
        $this->outcome = null;
        $line = $test->isTestMethod() ? $test->line() : null;
        Events::emit('start', ['id' => $this->running, 'file' => $test->file(), 'line' => $line ?: null]);
    }

    private function finish(): void
    {
        if ($this->running !== null) {
            Events::emit('finish', ['id' => $this->running, 'outcome' => $this->outcome]);
        }
        $this->running = null;
    }

    /** What --filter takes, as in PHPUnit9. */
    private static function id(Test $test): string
    {
        if (!$test->isTestMethod()) {
            return $test->id();
        }
        $id = $test->className() . '::' . $test->methodName();
        if (!$test->testData()->hasDataFromDataProvider()) {
            return $id;
        }
        $name = $test->testData()->dataFromDataProvider()->dataSetName();

        return $id . (\is_int($name) ? '#' : '@') . $name;
    }
}
