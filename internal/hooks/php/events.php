<?php

namespace Oom143;

// Appends events to the file in OOM143_EVENTS.
final class Events
{
    private const MAX_LINE = 4095;
    private const MAX_ID = 3000;

    /** @var resource|null */
    private static $file;
    /** @var string|null */
    private static $path;
    /** @var int|null bytes */
    private static $page;

    /** Reports an event; what is null is left out. Nothing that goes wrong here reaches a test. */
    public static function emit(string $action, array $fields = []): void
    {
        try {
            $event = ['e' => $action, 'fw' => 'phpunit', 'pid' => \getmypid(), 't' => \round(\microtime(true) * 1000, 1), 'rss' => self::resident()];
            if (isset($fields['id'])) {
                $fields['id'] = self::cut($fields['id']);
            }
            $line = self::encode($event + $fields);
            if (\strlen($line) > self::MAX_LINE) {
                unset($fields['file'], $fields['line']);
                $line = self::encode($event + $fields);
            }
            self::write($line);
        } catch (\Throwable $e) {
            return;
        }
    }

    private static function encode(array $event): string
    {
        $event = \array_filter($event, static function ($value) { return $value !== null; });

        return \json_encode($event, \JSON_UNESCAPED_SLASHES | \JSON_UNESCAPED_UNICODE | \JSON_INVALID_UTF8_SUBSTITUTE) . "\n";
    }

    /** The start of an id that is at most MAX_ID bytes long in JSON. */
    private static function cut(string $id): string
    {
        for ($length = self::MAX_ID; \strlen($id) > self::MAX_ID || \strlen(self::encode([$id])) - 5 > self::MAX_ID; $length -= 100) {
            $id = \preg_replace('/[\xC0-\xFF][\x80-\xBF]{0,2}\z/', '', \substr($id, 0, $length)); // no part of a character
        }

        return $id;
    }

    /** A test may have closed the file. */
    private static function write(string $line): void
    {
        if (!\is_resource(self::$file)) {
            self::$path = self::$path ?? (string) \getenv('OOM143_EVENTS');
            // The mode that appends creates what is not there.
            self::$file = \is_file(self::$path) ? @\fopen(self::$path, 'ae') : null;
            if (!self::$file) {
                return;
            }
            \stream_set_write_buffer(self::$file, 0);
        }
        @\fwrite(self::$file, $line);
    }

    /** Resident memory in bytes: proc_pid_statm(5), in pages of the size in getauxval(3)'s AT_PAGESZ, which is 6. */
    private static function resident(): ?int
    {
        if (self::$page === null) {
            self::$page = 0;
            $vector = \unpack('q*', (string) @\file_get_contents('/proc/self/auxv'));
            for ($i = 1; isset($vector[$i + 1]); $i += 2) {
                if ($vector[$i] === 6) {
                    self::$page = $vector[$i + 1];
                }
            }
        }
        $statm = \explode(' ', (string) @\file_get_contents('/proc/self/statm'));

        return isset($statm[1]) && self::$page > 0 ? (int) $statm[1] * self::$page : null;
    }
}
