lines = STDIN.read.delete_suffix("\n").split("\n", -1)
forms = lines[0].to_i
texts = lines[(1 + 2 * forms)..].map { |line| [line].pack("H*").force_encoding("UTF-8") }
forms.times do |form|
  pattern, refused = [1, 2].map { |place| Regexp.new(lines[place + 2 * form]) }
  texts.each { |text| print pattern.match?(text) && !refused.match?(text) ? "1" : "0" }
end
