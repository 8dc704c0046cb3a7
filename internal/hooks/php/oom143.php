<?php

// Loaded into every php by auto_prepend_file (php/oom143.ini, which Go writes).
// It waits for PHPUnit 9.3 or later and loads the plugin for it. The syntax is
// that of PHP 5.6, so that an older PHP reads over it.

namespace Oom143 {
    final class Hook
    {
        /** @var bool */
        private static $active = false;

        public static function install()
        {
            if (\PHP_VERSION_ID >= 70300 && \in_array(\PHP_SAPI, array('cli', 'phpdbg'), true) && (string) \getenv('OOM143_EVENTS') !== '') {
                self::$active = true;
                self::first();
            }
        }

        // Puts an autoloader before all others. It is never taken away: PHP
        // would skip the next one when that is done while it loads a class.
        public static function first()
        {
            if (self::$active) {
                \spl_autoload_register(static function ($class) { self::watch($class); }, true, true);
            }
        }

        private static function watch($class)
        {
            if (self::$active && \strncmp($class, 'PHPUnit\\', 8) === 0 && self::runs($class)) {
                self::$active = false;
                try {
                    self::load();
                } catch (\Throwable $e) {
                    // PHPUnit looks different: there is nothing to report.
                }
            }
        }

        // Whether somebody loads PHPUnit to run it, not for its assertions, and
        // the class is none that load() needs: PHP does not load a class that
        // it is just loading. A PHAR loads all of its classes by name, so the
        // runner's come late; the command line is its own only if it is the
        // script.
        private static function runs($class)
        {
            if (\function_exists('__phpunit_run_isolated_test')) {
                return false; // the process of one test, whose events PHPUnit collects
            }
            if (\defined('__PHPUNIT_PHAR__')) {
                return \strncmp($class, 'PHPUnit\TextUI\\', 15) === 0 && \realpath($_SERVER['SCRIPT_FILENAME']) === \realpath(\__PHPUNIT_PHAR__);
            }

            return \in_array($class, array('PHPUnit\TextUI\Command', 'PHPUnit\TextUI\Application', 'PHPUnit\Event\Facade'), true);
        }

        private static function load()
        {
            if (\interface_exists('PHPUnit\Event\Tracer\Tracer')) {
                self::loadFacade();
                require_once __DIR__ . '/events.php';
                require_once __DIR__ . '/phpunit10.php';
                \PHPUnit\Event\Facade::instance()->registerTracer(new PHPUnit10);
            } elseif (\class_exists('PHPUnit\TextUI\CliArguments\Builder')) { // its --extensions is from 9.3
                require_once __DIR__ . '/events.php';
                require_once __DIR__ . '/phpunit9.php';
                PHPUnit9::install();
            } else {
                return;
            }
            self::exclude();
            Events::emit('loaded');
            Events::emit('phase', array('phase' => 'collection'));
        }

        // The facade is the class to load for who runs tests without the
        // runner of PHPUnit; it is asked for behind PHP's back.
        private static function loadFacade()
        {
            foreach (\spl_autoload_functions() as $load) {
                if (!\class_exists('PHPUnit\Event\Facade', false)) {
                    \call_user_func($load, 'PHPUnit\Event\Facade');
                }
            }
        }

        // A test that runs in a process of its own includes there what was
        // included here, except for the script and PHPUnit's own one when it
        // comes next (PHPUnit\Util\GlobalState::processIncludedFilesAsString).
        // This file has come between the two. PHPUnit leaves what is in its
        // list out of stack traces too; Composer's vendor/bin/phpunit has put
        // PHPUnit's script there since 2.2.
        private static function exclude()
        {
            $list = isset($GLOBALS['__PHPUNIT_ISOLATION_EXCLUDE_LIST']) ? $GLOBALS['__PHPUNIT_ISOLATION_EXCLUDE_LIST'] : array();
            foreach (\get_included_files() as $i => $file) {
                if (\strpos($file, __DIR__ . '/') === 0 || ($i === 2 && \substr($file, -24) === '/phpunit/phpunit/phpunit' && !\in_array($file, $list, true))) {
                    $list[] = $file;
                }
            }
            $GLOBALS['__PHPUNIT_ISOLATION_EXCLUDE_LIST'] = $list;
        }

        /** The file that the user's own auto_prepend_file names, or null. */
        public static function prepended()
        {
            $prepended = null;
            try {
                foreach (\explode(',', \php_ini_loaded_file() . ',' . \php_ini_scanned_files()) as $ini) {
                    $ini = \trim($ini);
                    $text = $ini === '' ? '' : (string) @\file_get_contents($ini);
                    if (\strpos($text, 'auto_prepend_file') === false || !\preg_match_all('/^\s*auto_prepend_file\s*=.*$/m', $text, $lines)) {
                        continue;
                    }
                    foreach ($lines[0] as $line) {
                        $value = @\parse_ini_string($line);
                        if (isset($value['auto_prepend_file']) && \substr($value['auto_prepend_file'], -15) !== '/php/oom143.php') {
                            $prepended = $value['auto_prepend_file'];
                        }
                    }
                }

            } catch (\Throwable $e) {
                return null; // a function that is disabled
            }

            return \in_array($prepended, array('', 'none'), true) ? null : $prepended;
        }
    }

    Hook::install();
}

// Composer's class loader goes before all others when it registers. It calls
// spl_autoload_register() without a backslash, so that PHP looks for it here
// first.

namespace Composer\Autoload {
    function spl_autoload_register()
    {
        $result = \call_user_func_array('spl_autoload_register', \func_get_args());
        \Oom143\Hook::first();

        return $result;
    }
}

namespace {
    if (\Oom143\Hook::prepended() !== null) {
        require \Oom143\Hook::prepended();
    }
}
