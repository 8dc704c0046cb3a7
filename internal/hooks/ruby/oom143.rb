# frozen_string_literal: true

# Loaded into every ruby through RUBYOPT=-r. It reports the tests of Minitest 5
# and 6, and appends events for oom143_rspec.rb.
#
# It requires nothing (a library loaded here would hide a require that the
# tests lack), and keeps its own references to what tests like to replace.
module Oom143
  FILE, PROCESS, CLOCK, PID = ::File, ::Process, ::Process.method(:clock_gettime), ::Process.method(:pid)
  READ = ::IO.method(:binread)
  PATH = ENV["OOM143_EVENTS"].to_s
  DIR = begin
    ::Dir.pwd
  rescue SystemCallError
    nil
  end
  MAX_LINE = 4095
  MAX_ID = 3000

  class << self
    # Whether there is somebody to report to.
    def on?
      !PATH.empty?
    end

    def emit(action, framework, id: nil, file: nil, line: nil, phase: nil, outcome: nil)
      parts = [%("e":"#{action}","fw":"#{framework}","pid":#{PID.call},"t":#{CLOCK.call(PROCESS::CLOCK_REALTIME, :millisecond)})]
      rss = resident
      parts << %("rss":#{rss}) if rss
      parts << %("id":#{quote(id)}) if id
      parts << %("phase":"#{phase}") if phase
      parts << %("outcome":"#{outcome}") if outcome
      file = absolute(file) if file
      place = file ? [%("file":#{quote(file)})] : []
      place << %("line":#{line}) if file && line.to_i > 0
      text = "{#{(parts + place).join(",")}}\n"
      text = "{#{parts.join(",")}}\n" if text.bytesize > MAX_LINE
      write(text)
    rescue StandardError
      nil # a report must not fail a test
    end

    private

    # The descriptor is compared before each use: a test may have closed it,
    # and its number may belong to a file of the test's by now.
    def write(text)
      reopen unless @events && !@events.closed? && @identity == identity
      @events.syswrite(text) if @events
    end

    def reopen
      @events.autoclose = false if @events && !@events.closed?
      @events = FILE.open(PATH, FILE::WRONLY | FILE::APPEND)
      @identity = identity
    rescue SystemCallError
      @events = nil
    end

    def identity
      stat = @events.stat
      [stat.dev, stat.ino]
    rescue SystemCallError, IOError
      nil
    end

    # Resident memory in bytes: proc_pid_statm(5), in pages of the size that
    # the kernel put into the auxiliary vector (getauxval(3), AT_PAGESZ is 6).
    def resident
      @page ||= READ.call("/proc/self/auxv").unpack("J*").each_slice(2).to_h.fetch(6)
      READ.call("/proc/self/statm").split[1].to_i * @page
    rescue StandardError
      nil
    end

    # Files that are not there, like "(eval)", define no test.
    def absolute(file)
      return file if file.start_with?("/")

      (@absolute ||= {})[file] ||= DIR && FILE.file?("#{DIR}/#{file}") ? FILE.expand_path(file, DIR) : ""
      @absolute[file] unless @absolute[file].empty?
    end

    def quote(text)
      text = text.to_s
      text = text.encode(Encoding::UTF_8, invalid: :replace, undef: :replace) unless text.encoding == Encoding::UTF_8
      text = text.byteslice(0, MAX_LINE).scrub("")
      text = text.gsub(/["\\\x00-\x1f]/) { |c| format("\\u%04x", c.ord) }
      text = text.byteslice(0, MAX_ID).scrub("").sub(/\\(?:u\h{0,3})?\z/, "") if text.bytesize > MAX_ID
      %("#{text}")
    end
  end

  # Prepended to Minitest::Test. What unwinds out of run (SignalException,
  # NoMemoryError, SystemExit) ends the process in the middle of a test, which
  # therefore has not finished. An id is what Minitest's -n takes.
  module Minitest
    def run(*)
      Minitest.started(self)
      result = super
      Minitest.finished(self)
      result
    end

    class << self
      def started(test)
        file, line = test.method(test.name).source_location
        Oom143.emit("start", "minitest", id: id(test), file: file, line: line)
      rescue StandardError
        nil
      end

      def finished(test)
        outcome = test.skipped? ? "skipped" : (test.passed? ? "passed" : "failed")
        Oom143.emit("finish", "minitest", id: id(test), outcome: outcome)
      rescue StandardError
        nil
      end

      private

      def id(test)
        "#{test.class}##{test.name}"
      end
    end
  end

  # Minitest 6 loads no plugins by itself, so the class is awaited. Other
  # rubies than CRuby print a warning when they trace.
  def self.await_minitest
    name = Module.instance_method(:name)
    trace = TracePoint.new(:class) do |point|
      if name.bind(point.self).call == "Minitest::Test"
        trace.disable
        point.self.prepend(Minitest)
        emit("loaded", "minitest")
      end
    end
    trace.enable
  end

  await_minitest if on? && RUBY_ENGINE == "ruby"
end
