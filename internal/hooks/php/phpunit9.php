<?php

namespace Oom143;

use PHPUnit\Runner\AfterTestHook;
use PHPUnit\Runner\BeforeFirstTestHook;
use PHPUnit\Runner\BeforeTestHook;

// The extension for PHPUnit 9.3 and later 9.x, named on PHPUnit's command line.
final class PHPUnit9 implements BeforeFirstTestHook, BeforeTestHook, AfterTestHook
{
    /** @var array the command line as the user wrote it */
    private static $argv;

    public static function install(): void
    {
        self::$argv = $_SERVER['argv'];
        $argv = $_SERVER['argv'];
        foreach ($argv as $i => $word) {
            if ($word === '--extensions' && isset($argv[$i + 1])) {
                $argv[$i + 1] .= ',' . self::class;
            } elseif (\strncmp($word, '--extensions=', 13) === 0) {
                $argv[$i] .= ',' . self::class;
            } else {
                continue;
            }
            $_SERVER['argv'] = $argv;

            return;
        }
        \array_splice($argv, 1, 0, ['--extensions', self::class]);
        $_SERVER['argv'] = $argv;
    }

    // Called when PHPUnit has read its command line, which tests can read too.
    public function __construct()
    {
        $_SERVER['argv'] = self::$argv;
    }

    public function executeBeforeFirstTest(): void
    {
        Events::emit('phase', ['phase' => '']);
    }

    public function executeBeforeTest(string $test): void
    {
        Events::emit('start', ['id' => self::id($test)] + self::place($test));
    }

    public function executeAfterTest(string $test, float $time): void
    {
        Events::emit('finish', ['id' => self::id($test)]);
    }

    /**
     * What --filter takes: App\FooTest::testBar, and for data sets
     * App\FooTest::testBar#0 and App\FooTest::testBar@name.
     */
    private static function id(string $test): string
    {
        if (\preg_match('/^([^ ]+::[^ ]+) with data set (?:#(\d+)|"(.*?)")(?: \(.*)?$/s', $test, $part)) {
            return $part[1] . ($part[2] !== '' ? '#' . $part[2] : '@' . $part[3]);
        }

        return $test;
    }

    private static function place(string $test): array
    {
        try {
            if (\preg_match('/^([^ :]+)::([^ ]+)/', $test, $part)) {
                $method = new \ReflectionMethod($part[1], $part[2]);

                return ['file' => $method->getFileName(), 'line' => $method->getStartLine()];
            }
        } catch (\ReflectionException $e) {
            return [];
        }

        return \is_file($test) ? ['file' => \realpath($test)] : []; // a .phpt file
    }
}
