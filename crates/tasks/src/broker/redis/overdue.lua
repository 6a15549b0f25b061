-- What is held for too long: the time before which it was taken, then tags and what is held in turn.
-- KEYS: the hash of what is held, its index. ARGV: the visibility timeout, how many at most.
local time = redis.call('TIME')
local before = string.format('%.6f', tonumber(time[1]) + tonumber(time[2]) / 1000000 - tonumber(ARGV[1]))
local found = {before}
for _, tag in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', before, 'LIMIT', 0, ARGV[2])) do
  found[#found + 1] = tag
  found[#found + 1] = redis.call('HGET', KEYS[1], tag)
end
return found
