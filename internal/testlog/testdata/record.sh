#!/usr/bin/env bash
# Records what test frameworks print when a test's process is killed, and
# writes index.tsv. Each suite has a test that kills its own process. A
# framework that is not installed keeps its old recording.
#
#   internal/testlog/testdata/record.sh [NAME...]     all, or those whose names begin with one of the words
#
# Needs, as far as they are to be recorded: go, python3-pytest,
# python3-pytest-xdist, python3-pytest-timeout, node with jest, vitest, mocha and
# @playwright/test in $NODE_MODULES, cargo, ruby-rspec, ruby-minitest, phpunit,
# bats, prove, cmake with libgtest-dev and catch2, elixir, maven with
# libsurefire-java, gotestsum.
set -u
here=$(cd "$(dirname "$0")" && pwd)
suites=$(mktemp -d /tmp/suites.XXXXXX)
trap 'rm -rf "$suites" /tmp/jest-cache-*' EXIT
modules=${NODE_MODULES:-$suites/node_modules}
only=("$@")
index=$here/index.tsv
export PYTHONDONTWRITEBYTECODE=1 NO_COLOR=1
unset PYTHONUNBUFFERED

wanted() {
  [ ${#only[@]} -eq 0 ] && return 0
  for o in "${only[@]}"; do case $1 in "$o"*) return 0 ;; esac; done
  return 1
}

# record NAME TRUTH SHOWN KILL COMMAND: TRUTH is the test that was killed,
# SHOWN what the output allows to name.
record() {
  local name=$1.txt truth=$2 shown=$3 kill=$4 command=$5 status
  wanted "$1" || return 0
  local program=${command%%[ ;]*}
  if ! command -v "$program" >/dev/null; then
    echo "$name: $program is not installed, recording kept" >&2
    return 0
  fi
  bash -c "$command" >"$suites/out" 2>&1 </dev/null
  status=$?
  sed -e "s|$suites|/home/runner/work/app|g" -e "s|$modules|/home/runner/work/app/node_modules|g" \
    -e "s|\(\.\./\)*${modules#/tmp/}|node_modules|g" "$suites/out" >"$here/$name"
  grep -v "^$name	" "$index" >"$suites/index" 2>/dev/null
  printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$name" "${command//$suites/.}" "$status" "$truth" "$shown" "$kill" recorded >>"$suites/index"
  { printf 'file\tcommand\tstatus\ttruth\tshown\tkill\tsource\n'; grep -v '^file	' "$suites/index" | sort; } >"$index"
}

# --- Go ---------------------------------------------------------------------
mkdir -p "$suites/go/p1" "$suites/go/p2" && cd "$suites/go" || exit 1
cat >go.mod <<'X'
module example.com/m

go 1.20
X
cat >p1/p1_test.go <<'X'
package p1

import (
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"
)

func die() {
	syscall.Kill(os.Getpid(), map[string]syscall.Signal{"": 9, "TERM": 15}[os.Getenv("WITH")])
	time.Sleep(5 * time.Second)
}

func TestFirst(t *testing.T) { fmt.Println("hello") }

func TestSub(t *testing.T) {
	t.Run("one two", func(t *testing.T) {})
	t.Run("deep", func(t *testing.T) {
		t.Run("inner", func(t *testing.T) {
			if os.Getenv("IN") == "sub" {
				die()
			}
		})
	})
}

func TestParallel1(t *testing.T) { t.Parallel(); time.Sleep(100 * time.Millisecond) }

func TestParallel2(t *testing.T) {
	t.Parallel()
	time.Sleep(300 * time.Millisecond)
	if os.Getenv("IN") == "" {
		die()
	}
}

func TestSkipped(t *testing.T) { t.Skip("not here") }

func TestOpen(t *testing.T) { fmt.Print("no newline") }

func TestSlow(t *testing.T) {
	if os.Getenv("IN") == "time" {
		time.Sleep(time.Minute)
	}
}

func TestHeap(t *testing.T) {
	if os.Getenv("IN") == "heap" {
		var all [][]byte
		for {
			all = append(all, make([]byte, 64<<20))
		}
	}
}

func FuzzSeed(f *testing.F) { f.Add("x"); f.Fuzz(func(*testing.T, string) {}) }

func ExamplePrint() {
	fmt.Println("x")
	// Output: x
}
X
cat >p2/p2_test.go <<'X'
package p2

import (
	"testing"
	"time"
)

func TestOther(t *testing.T) { time.Sleep(time.Second) }
X
record go_default 'example.com/m/p1.TestParallel2' '' 'KILL binary' 'go test -count=1 ./p1 ./p2'
record go_v 'TestParallel2' 'TestParallel2' 'KILL binary' 'go test -count=1 -v ./p1'
record go_v_two 'TestParallel2' 'TestParallel2' 'KILL binary' 'go test -count=1 -v ./p1 ./p2'
record go_v_import 'example.com/m/p1.TestParallel2' 'example.com/m/p1.TestParallel2' 'KILL binary' 'go test -count=1 -v example.com/m/p1'
IN=sub record go_v_sub 'TestSub/deep/inner' 'TestSub, TestSub/deep, TestSub/deep/inner' 'KILL binary' 'go test -count=1 -v ./p1'
WITH=TERM record go_v_term 'TestParallel2' 'TestParallel2' 'TERM binary' 'go test -count=1 -v ./p1'
record go_json 'example.com/m/p1.TestParallel2' 'example.com/m/p1.TestParallel2' 'KILL binary' 'go test -count=1 -json ./p1 ./p2'
IN=sub record go_json_sub 'example.com/m/p1.TestSub/deep/inner' 'example.com/m/p1.TestSub, example.com/m/p1.TestSub/deep, example.com/m/p1.TestSub/deep/inner' 'KILL binary' 'go test -count=1 -json ./p1'
IN=time record go_timeout 'TestSlow' 'TestSlow' 'time-out' 'go test -count=1 -timeout 1s ./p1'
IN=time record go_json_timeout 'example.com/m/p1.TestSlow' 'example.com/m/p1.TestSlow' 'time-out' 'go test -count=1 -json -timeout 1s ./p1'
IN=heap record go_heap 'TestHeap' 'TestHeap' 'runtime out of memory' 'go test -count=1 -c -o p1.test ./p1 && (ulimit -v 1500000; ./p1.test -test.v)'
record go_binary 'TestParallel2' 'TestParallel2' 'KILL' 'go test -c -o p1.test ./p1 && ./p1.test -test.v; exit $?'
IN=none record go_pass '' '' 'none' 'go test -count=1 -v ./...'
IN=none record go_json_pass '' '' 'none' 'go test -count=1 -json ./...'
record gotestsum 'p1.TestParallel2' 'p1.TestParallel2' 'KILL binary' 'gotestsum -- -count=1 ./p1 ./p2'
record gotestsum_standard 'TestParallel2' 'TestParallel2' 'KILL binary' 'gotestsum --format standard-verbose -- -count=1 ./p1'

# --- Python -----------------------------------------------------------------
mkdir -p "$suites/py/tests" && cd "$suites/py" || exit 1
cat >tests/test_a.py <<'X'
import os
import signal
import time

import pytest


def die():
    if not os.environ.get("ALIVE"):
        os.kill(os.getpid(), signal.SIGKILL)


def test_fast():
    print("hello")


@pytest.mark.parametrize("x", ["1", "a b", "[", "c::d"])
def test_param(x):
    pass


@pytest.mark.skip(reason="not here")
def test_skipped():
    pass


class TestGroup:
    def test_in_class(self):
        print("no newline", end="")

    def test_hang(self):
        time.sleep(0.3)
        die()

    def test_after(self):
        pass
X
cat >tests/test_b.py <<'X'
import time


def test_one():
    time.sleep(0.05)


def test_two():
    time.sleep(0.6)
X
cat >tests/test_memory.py <<'X'
def test_memory():
    x = bytearray(1 << 50)
X
mkdir slow && cat >slow/test_slow.py <<'X'
import time


def test_slow():
    time.sleep(60)
X
cat >test_u.py <<'X'
import os
import signal
import unittest


class T(unittest.TestCase):
    def test_a(self):
        print("hello")

    def test_b(self):
        """Has a line of its own."""

    @unittest.skip("not here")
    def test_c(self):
        pass

    def test_d(self):
        for i in range(2):
            with self.subTest(i=i):
                pass

    def test_e(self):
        if not os.environ.get("ALIVE"):
            os.kill(os.getpid(), signal.SIGKILL)
X
hang=tests/test_a.py::TestGroup::test_hang
pytest='/usr/bin/pytest -p no:cacheprovider'
record pytest_default $hang tests/test_a.py KILL "$pytest tests/test_b.py tests/test_a.py"
record pytest_q $hang '' KILL "$pytest -q tests/test_a.py"
record pytest_v $hang $hang KILL "$pytest -v tests/test_b.py tests/test_a.py"
record pytest_v_colour $hang $hang KILL "$pytest --color=yes -v tests/test_a.py"
record pytest_v_s $hang $hang KILL "$pytest -v -s tests/test_a.py"
record pytest_v_shell $hang $hang KILL "$pytest -v tests/test_a.py; exit \$?"
record pytest_default_shell $hang tests/test_a.py KILL "$pytest tests/test_a.py; exit \$?"
record pytest_xdist $hang $hang 'KILL worker' "$pytest -n2 tests/test_a.py tests/test_b.py"
record pytest_xdist_v $hang $hang 'KILL worker' "$pytest -n2 -v tests/test_a.py tests/test_b.py"
record pytest_xdist_norestart $hang $hang 'KILL worker' "$pytest -n2 --max-worker-restart=0 tests/test_a.py tests/test_b.py"
ALIVE=1 record pytest_pass '' '' none "$pytest tests/test_a.py tests/test_b.py"
ALIVE=1 record pytest_v_pass '' '' none "$pytest -v tests/test_a.py tests/test_b.py"
ALIVE=1 record pytest_v_s_pass '' '' none "$pytest -v -s tests/test_a.py tests/test_b.py"
ALIVE=1 record pytest_xdist_v_pass '' '' none "$pytest -n2 -v tests/test_a.py tests/test_b.py"
record pytest_memory '' '' MemoryError "$pytest tests/test_memory.py"
record pytest_timeout '' '' time-out "$pytest --timeout=1 slow/test_slow.py"
record pytest_timeout_thread 'slow/test_slow.py::test_slow' 'slow/test_slow.py' time-out "$pytest --timeout=1 --timeout-method=thread slow/test_slow.py"
record unittest_default test_u.T.test_e '' KILL '/usr/bin/python3 -m unittest test_u'
record unittest_v test_u.T.test_e test_u.T.test_e KILL '/usr/bin/python3 -m unittest -v test_u'
record unittest_v_shell test_u.T.test_e test_u.T.test_e KILL '/usr/bin/python3 -u -m unittest -v test_u; exit $?'
ALIVE=1 record unittest_v_pass '' '' none '/usr/bin/python3 -m unittest -v test_u'

# --- Node -------------------------------------------------------------------
mkdir -p "$suites/js" && cd "$suites/js" || exit 1
[ -e "$modules" ] && ln -s "$modules" node_modules
echo '{"name": "x", "private": true}' >package.json
mkdir jest vitest mocha node pw
cat >jest/a.test.js <<'X'
describe('group', () => {
  test('fast', () => console.log('hello'));
  test('hang', () => {
    if (process.env.HEAP) { const a = []; for (;;) a.push(new Array(1e5).fill({})); }
    if (!process.env.ALIVE) process.kill(process.pid, 'SIGKILL');
  });
});
X
echo "test('one', () => new Promise((r) => setTimeout(r, 600)));" >jest/b.test.js
sed 's/^describe/import { describe, test } from "vitest";\ndescribe/' jest/a.test.js >vitest/a.test.js
printf 'import { test } from "vitest";\ntest("one", () => new Promise((r) => setTimeout(r, 600)));\n' >vitest/b.test.js
sed 's/test(/it(/' jest/a.test.js >mocha/b.test.js
echo "it('one', () => new Promise((r) => setTimeout(r, 50)));" >mocha/a.test.js
sed 's/^describe/import { describe, test } from "node:test";\ndescribe/' jest/a.test.js >node/a.test.mjs
printf 'import { test } from "node:test";\ntest("one", () => {});\n' >node/b.test.mjs
sed "s/^describe/const { test } = require('@playwright\/test');\ntest.describe/" jest/a.test.js >pw/a.spec.js
printf "const { test } = require('@playwright/test');\ntest('one', () => {});\n" >pw/b.spec.js
echo 'module.exports = { cacheDirectory: "/tmp/jest-cache-" + process.ppid, rootDir: "jest" };' >jest.config.js
run='node node_modules'
record jest_worker 'jest/a.test.js > group > hang' jest/a.test.js 'KILL worker' "$run/jest/bin/jest.js -w 2 --no-cache"
record jest_inband 'jest/a.test.js > group > hang' '' KILL "$run/jest/bin/jest.js -i"
HEAP=1 record jest_heap 'jest/a.test.js > group > hang' '' 'V8 heap limit' "node --max-old-space-size=60 node_modules/jest/bin/jest.js -i"
HEAP=1 NODE_OPTIONS=--max-old-space-size=120 record jest_worker_heap 'jest/a.test.js > group > hang' jest/a.test.js 'V8 heap limit' "$run/jest/bin/jest.js -w 2 --no-cache"
ALIVE=1 record jest_pass '' '' none "$run/jest/bin/jest.js --verbose"
record vitest_forks 'a.test.js > group > hang' a.test.js 'KILL worker' "$run/vitest/vitest.mjs run --root vitest --pool=forks"
HEAP=1 NODE_OPTIONS=--max-old-space-size=80 record vitest_threads_heap 'a.test.js > group > hang' a.test.js 'V8 heap limit' "$run/vitest/vitest.mjs run --root vitest --pool=threads"
ALIVE=1 record vitest_pass '' '' none "$run/vitest/vitest.mjs run --root vitest --reporter=verbose"
record mocha_spec 'group hang' '' KILL "$run/mocha/bin/mocha.js mocha"
record mocha_list 'group hang' 'group hang' KILL "$run/mocha/bin/mocha.js -R list mocha"
record mocha_parallel 'group hang' '' 'KILL worker' "$run/mocha/bin/mocha.js --parallel --jobs 2 mocha"
record node_tap 'node/a.test.mjs > group > hang' /home/runner/work/app/js/node/a.test.mjs 'KILL child' 'node --test --test-reporter=tap node/'
record node_spec 'node/a.test.mjs > group > hang' '' 'KILL child' 'node --test --test-reporter=spec node/'
record playwright_line 'pw/a.spec.js:4:3 › group › hang' 'pw/a.spec.js:4:3 › group › hang' 'KILL worker' "$run/@playwright/test/cli.js test --workers=1 --reporter=line pw"
record playwright_dot 'pw/a.spec.js:4:3 › group › hang' 'pw/a.spec.js:4:3 › group › hang' 'KILL worker' "$run/@playwright/test/cli.js test --workers=1 --reporter=dot pw"
ALIVE=1 record playwright_list_pass '' '' none "$run/@playwright/test/cli.js test --workers=2 --reporter=list pw"

# --- Rust -------------------------------------------------------------------
mkdir -p "$suites/rs/src" && cd "$suites/rs" || exit 1
printf '[package]\nname = "rs"\nversion = "0.1.0"\nedition = "2021"\n' >Cargo.toml
cat >src/lib.rs <<'X'
#[cfg(test)]
mod tests {
    #[test]
    fn a_fast() {}

    #[test]
    #[ignore]
    fn b_ignored() {}

    #[test]
    fn hang() {
        if std::env::var("ALLOC").is_ok() {
            let v: Vec<u8> = Vec::with_capacity(1 << 46);
            println!("{}", v.capacity());
        }
        if std::env::var("ALIVE").is_err() {
            std::thread::sleep(std::time::Duration::from_millis(200));
            let _ = std::process::Command::new("kill").args(["-9", &std::process::id().to_string()]).status();
        }
    }
}
X
record cargo_default tests::hang '' 'KILL binary' 'cargo test --offline --lib'
record cargo_one_thread tests::hang tests::hang 'KILL binary' 'cargo test --offline --lib -- --test-threads=1'
ALLOC=1 record cargo_alloc tests::hang '' 'allocation failed' 'cargo test --offline --lib'
ALIVE=1 record cargo_pass '' '' none 'cargo test --offline'

# --- C++ --------------------------------------------------------------------
mkdir -p "$suites/cpp" && cd "$suites/cpp" || exit 1
cat >CMakeLists.txt <<'X'
cmake_minimum_required(VERSION 3.19)
project(x CXX)
enable_testing()
find_package(GTest REQUIRED)
add_executable(g g.cc)
target_link_libraries(g GTest::gtest_main)
add_executable(c c.cc)
include(GoogleTest)
gtest_discover_tests(g)
add_test(NAME "catch hang" COMMAND c)
add_test(NAME sleeps COMMAND sleep 60)
set_tests_properties(sleeps PROPERTIES TIMEOUT 1)
X
cat >g.cc <<'X'
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <gtest/gtest.h>
#include <new>
#include <unistd.h>
TEST(Group, Fast) { printf("hello\n"); }
class P : public testing::TestWithParam<int> {};
TEST_P(P, Par) {}
INSTANTIATE_TEST_SUITE_P(I, P, testing::Values(1, 2));
TEST(Group, Skipped) { GTEST_SKIP(); }
TEST(Group, Alloc) { if (getenv("ALLOC")) throw std::bad_alloc(); }
TEST(Group, Hang) { if (!getenv("ALIVE")) kill(getpid(), SIGKILL); }
X
cat >c.cc <<'X'
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <unistd.h>
TEST_CASE("fast") { REQUIRE(true); }
TEST_CASE("hang on") { kill(getpid(), getenv("TERM_IT") ? SIGTERM : SIGKILL); usleep(100000); }
X
if wanted ctest || wanted gtest || wanted catch; then
  cmake -S . -B b >/dev/null 2>&1 && cmake --build b -j2 >/dev/null 2>&1
  cd b || exit 1
  record ctest 'Group.Hang, catch hang' 'Group.Hang, catch hang' 'KILL test' 'ctest'
  record ctest_j2 'Group.Hang, catch hang' 'Group.Hang, catch hang' 'KILL test' 'ctest -j2'
  record ctest_V Group.Hang Group.Hang 'KILL test' "ctest -V -R Group.Hang"
  ALIVE=1 record ctest_pass '' '' none 'ctest -E "catch|sleeps"'
  record gtest Group.Hang Group.Hang KILL './g; exit $?'
  ALLOC=1 ALIVE=1 record gtest_alloc '' '' bad_alloc './g'
  record catch_kill 'hang on' '' KILL './c; exit $?'
  TERM_IT=1 record catch_term 'hang on' 'hang on' TERM './c; exit $?'
fi

# --- Ruby, PHP, Perl, shell ---------------------------------------------------
mkdir -p "$suites/rb/spec" && cd "$suites/rb" || exit 1
cat >spec/a_spec.rb <<'X'
RSpec.describe "Group" do
  it("is fast") { puts "hello" }
  it("fails") { expect(1).to eq(2) } if ENV["ALIVE"]
  it("hangs") { Process.kill(:KILL, Process.pid) unless ENV["ALIVE"] }
end
X
cat >mt.rb <<'X'
require "minitest/autorun"
class TestGroup < Minitest::Test
  i_suck_and_my_tests_are_order_dependent!
  def test_a_fast = puts("hello")
  def test_b_slow = sleep(0.1)
  def test_c_hang = ENV["ALIVE"] || Process.kill(:KILL, Process.pid)
end
X
record rspec_progress './spec/a_spec.rb:4' '' KILL 'rspec spec'
record rspec_doc './spec/a_spec.rb:4' '' KILL 'rspec -fd spec'
ALIVE=1 record rspec_fail '' '' none 'rspec spec'
record minitest_default 'TestGroup#test_c_hang' '' KILL 'ruby mt.rb; exit $?'
record minitest_v 'TestGroup#test_c_hang' 'TestGroup#test_c_hang' KILL 'ruby mt.rb -v; exit $?'
ALIVE=1 record minitest_v_pass '' '' none 'ruby mt.rb -v'

mkdir -p "$suites/php/t" && cd "$suites/php" || exit 1
cat >t/ATest.php <<'X'
<?php
class ATest extends PHPUnit\Framework\TestCase {
    public function testFast() { echo "hello\n"; $this->assertTrue(true); }
    /** @dataProvider data */
    public function testData($x) { $this->assertTrue(true); }
    public static function data() { return ["one (x)" => [1], [2]]; }
    public function testHang() {
        if (getenv("LIMIT")) { $a = []; while (true) $a[] = str_repeat("x", 1 << 20); }
        if (!getenv("ALIVE")) posix_kill(getmypid(), 9);
        $this->assertTrue(true);
    }
}
X
record phpunit_default ATest::testHang '' KILL 'phpunit t'
record phpunit_debug ATest::testHang ATest::testHang KILL 'phpunit --debug t; exit $?'
record phpunit_teamcity ATest::testHang ATest::testHang KILL 'phpunit --teamcity t'
LIMIT=1 record phpunit_limit ATest::testHang '' 'memory_limit' 'php -d memory_limit=64M /usr/bin/phpunit t'
ALIVE=1 record phpunit_teamcity_pass '' '' none 'phpunit --teamcity t'

mkdir -p "$suites/t/t" && cd "$suites/t" || exit 1
printf 'use Test::More tests => 2;\nok 1, "one";\nkill 9, $$ unless $ENV{ALIVE};\nok 1, "two";\n' >t/b.t
printf 'use Test::More tests => 1;\nok 1, "one";\n' >t/a.t
printf '@test "fast one" { true; }\n@test "hang: two" { [ -n "$ALIVE" ] || kill -9 $BASHPID; }\n@test "after" { true; }\n' >a.bats
record prove t/b.t t/b.t 'KILL test' 'prove t'
record prove_v t/b.t t/b.t 'KILL test' 'prove -v t'
ALIVE=1 record prove_pass '' '' none 'prove t'
record bats 'hang: two' '' 'KILL test' 'bats a.bats'
ALIVE=1 record bats_pass '' '' none 'bats a.bats'

# --- JVM ----------------------------------------------------------------------
mkdir -p "$suites/mvn/src/test/java/x" && cd "$suites/mvn" || exit 1
cat >pom.xml <<'X'
<project><modelVersion>4.0.0</modelVersion><groupId>x</groupId><artifactId>x</artifactId><version>1</version>
<properties><maven.compiler.source>17</maven.compiler.source><maven.compiler.target>17</maven.compiler.target></properties>
<dependencies><dependency><groupId>junit</groupId><artifactId>junit</artifactId><version>4.x</version><scope>test</scope></dependency></dependencies></project>
X
cat >src/test/java/x/ATest.java <<'X'
package x;
import org.junit.Test;
public class ATest {
    @Test public void hang() throws Exception {
        if (System.getenv("HEAP") != null) { java.util.List<byte[]> l = new java.util.ArrayList<>(); while (true) l.add(new byte[1 << 20]); }
        new ProcessBuilder("kill", "-9", "" + ProcessHandle.current().pid()).start().waitFor();
        Thread.sleep(5000);
    }
}
X
record surefire_kill x.ATest.hang x.ATest 'KILL fork' 'mvn -o -B -Dmaven.repo.local=/usr/share/maven-repo test'

# --- Elixir -------------------------------------------------------------------
mkdir -p "$suites/ex/test" "$suites/ex/lib" && cd "$suites/ex" || exit 1
cat >mix.exs <<'X'
defmodule X.MixProject do
  use Mix.Project
  def project, do: [app: :x, version: "0.1.0"]
end
X
echo 'ExUnit.start(seed: 0)' >test/test_helper.exs
cat >test/a_test.exs <<'X'
defmodule ATest do
  use ExUnit.Case

  test "fast" do
    IO.puts("hello")
  end

  test "hang [on]" do
    System.get_env("ALIVE") || System.cmd("kill", ["-9", System.pid()])
  end
end
X
export MIX_HOME=$suites/mix LC_ALL=C.UTF-8
record exunit_trace test/a_test.exs:8 test/a_test.exs:8 KILL 'mix test --trace; exit $?'
ALIVE=1 record exunit_trace_pass '' '' none 'mix test --trace'
record exunit_default test/a_test.exs:8 '' KILL 'mix test; exit $?'

# --- shells and build tools -----------------------------------------------------
mkdir -p "$suites/make" && cd "$suites/make" || exit 1
printf 'killed:\n\tsh -c "kill -9 $$$$"\nterm:\n\tsh -c "kill -15 $$$$"\ncode:\n\tsh -c "exit 137"\n' >Makefile
echo '{"name": "x", "version": "1.0.0", "scripts": {"dies": "node -e \"process.kill(process.pid, 9)\""}}' >package.json
record make_killed '' '' 'KILL recipe' 'make killed'
record make_term '' '' 'TERM recipe' 'make term'
record make_code '' '' 'recipe exits 137' 'make code'
record npm '' '' 'KILL script' 'npm run dies'
record bash '' '' 'KILL child' 'bash -c "kill -9 \$\$"; exit $?'
record dash '' '' 'KILL child' "dash -c 'sh -c \"kill -9 \\\$\\\$\"; exit \$?'"
record timeout '' '' time-out 'timeout -v 0.2 sleep 10'
record ruby_memory '' '' NoMemoryError "ruby -e 'x = \"a\" * (1 << 60)'"
record perl_memory '' '' 'Out of memory' "perl -e '\$x = \"a\" x (1 << 50)'"
record php_memory '' '' memory_limit "php -d memory_limit=8M -r '\$a = str_repeat(\"x\", 1 << 30);'"
record python_child '' '' 'KILL child' "/usr/bin/python3 -c 'import subprocess; subprocess.run([\"sh\", \"-c\", \"kill -9 \$\$\"], check=True)'"
