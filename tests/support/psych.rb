# Reads YAML as the legacy agent's runtime does. One line in, a JSON string; one line out, JSON:
# each value as [type, …], or an error.
require "yaml"
require "json"

def described(value, depth = 0)
  raise "nested too deeply" if depth > 60
  case value
  when nil then ["nil"]
  when true, false then ["bool", value]
  when Integer then ["int", value.to_s]
  when Float then ["float", [value].pack("G").unpack1("H*")]
  when String then ["str", value]
  when Symbol then ["sym", value.to_s]
  when Time then ["time", value.to_s]
  when Date then ["date", value.to_s]
  when Array then ["seq", value.map { |item| described(item, depth + 1) }]
  when Hash then ["map", value.map { |key, item| [described(key, depth + 1), described(item, depth + 1)] }]
  else raise "unexpected #{value.class}"
  end
end

def json(value)
  value.to_json
rescue StandardError
  nil
end

$VERBOSE = nil
require "date"
$stdout.sync = true
while line = $stdin.gets
  answer =
    begin
      value = YAML.unsafe_load(JSON.parse(line))
      { value: described(value), json: json(value) }
    rescue Exception => error
      { error: "#{error.class}: #{error.message}"[0, 200] }
    end
  puts answer.to_json
end
