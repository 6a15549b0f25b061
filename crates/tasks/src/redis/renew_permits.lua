-- Keeps permits for longer, also those that have lapsed.
-- KEYS: the holders of each. ARGV, for each: holder, how many may have it, for how many milliseconds.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i, key in ipairs(KEYS) do
  redis.call('ZADD', key, now + tonumber(ARGV[3 * i]), ARGV[3 * i - 2])
  redis.call('PEXPIREAT', key, redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')[2])
end
return #KEYS
