# A consumer in Ruby:
#   retry-contract consumer --exec "ruby examples/consumers/ruby/reader.rb"
# With "reader.rb strict" it rejects unknown fields.
require "json"

Response = Struct.new(
  :createdAt, :updatedAt, :id, :recipient, :values, :fullMessage, :latestStatus, :templateBodyId,
  :campaignId, keyword_init: true
)

strict = ARGV.first == "strict"
$stdout.sync = true

$stdin.each_line do |line|
  response = JSON.parse(line, symbolize_names: true)
  response = response.slice(*Response.members) unless strict
  puts "ok #{JSON.generate(Response.new(**response).to_h)}"
rescue StandardError => error
  puts "error #{error.class}: #{error.message.split.join(" ")}"
end
