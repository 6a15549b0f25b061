-- These are still held. KEYS: the index. ARGV: tags.
local time = redis.call('TIME')
local scores = {}
for at, tag in ipairs(ARGV) do
  scores[2 * at - 1], scores[2 * at] = time[1] .. string.format('.%06d', time[2]), tag
end
return redis.call('ZADD', KEYS[1], 'XX', unpack(scores))
