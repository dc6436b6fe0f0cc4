# The timetable that the legacy agent makes of a configuration. One line in, the YAML as a JSON
# string; one line out, JSON: for each module its times, interval and argument, or an error.
require "yaml"
require "json"
require "time"

def clock(text)
  Time.strptime(text, "%R")
end

def times(execute_time, interval)
  raise "never ends" if interval && !(interval > 0)
  if execute_time.is_a?(Numeric)
    midnight = Time.local(*Time.now.to_a.fill(0, 0, 3)).to_i
    execute_time = Time.at(midnight + execute_time).strftime("%R")
  end
  execute_time.split(",").flat_map do |part|
    ends = part.strip.split("-")
    first = clock(ends[0])
    last = ends[1] ? clock(ends[1]) : first
    found = [first.strftime("%R")]
    if interval
      found << first.strftime("%R") while (first += interval) <= last
    end
    found
  end
end

def described(entry)
  interval = entry["Interval"]
  parameter = entry["Parameter"]
  list = times(entry["ExecuteTime"], interval) if entry["ExecuteTime"]
  Time.now + interval unless list # what the agent adds before each run
  parameter["ExecuteTimes"] = "#{list.first},#{list.last}" if list && parameter
  { times: list, interval: interval, argument: parameter ? parameter.to_json : nil }
end

$stdout.sync = true
while (line = $stdin.gets)
  answer =
    begin
      { modules: YAML.unsafe_load(JSON.parse(line)).fetch("Modules").map { |entry| described(entry) } }
    rescue StandardError => error
      { error: "#{error.class}: #{error.message}"[0, 200] }
    end
  puts answer.to_json
end
