# frozen_string_literal: true

# Loaded by RSpec through SPEC_OPTS=--require: reports its examples.
require_relative "oom143"

module Oom143
  # Prepended to RSpec::Core::Reporter. RSpec tells it of no example that a
  # SignalException, NoMemoryError or SystemExit unwound: such an example has
  # not finished.
  module RSpec
    def start(*)
      Oom143.emit("phase", "rspec", phase: "")
      super
    end

    def example_started(example)
      RSpec.report("start", example, file: example.metadata[:absolute_file_path], line: example.metadata[:line_number])
      super
    end

    def example_finished(example)
      outcome = { passed: "passed", failed: "failed", pending: "skipped" }[example.execution_result.status]
      RSpec.report("finish", example, outcome: outcome)
      super
    end

    class << self
      def report(action, example, **where)
        Oom143.emit(action, "rspec", id: id(example), **where)
      rescue StandardError
        nil
      end

      private

      # What RSpec prints for a rerun: ./spec/a_spec.rb:12, or
      # ./spec/a_spec.rb[1:2] where several examples share a line.
      def id(example)
        location = example.location_rerun_argument
        count_locations unless @locations && @locations.key?(location)
        @locations[location] == 1 ? location : example.id
      end

      def count_locations
        @locations = Hash.new(0)
        ::RSpec.world.all_examples.each { |example| @locations[example.location_rerun_argument] += 1 }
      end
    end
  end

  if on? && defined?(::RSpec::Core::Reporter) && ::RSpec::Core::Example.method_defined?(:location_rerun_argument)
    ::RSpec::Core::Reporter.prepend(RSpec)
    emit("loaded", "rspec")
    emit("phase", "rspec", phase: "collection")
  end
end
