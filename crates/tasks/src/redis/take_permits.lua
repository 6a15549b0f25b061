-- Takes permits, all of them or none. Says nothing where they are taken; else which is not to be had, whose lapses first, in how many
-- milliseconds.
-- KEYS: the holders of each. ARGV, for each: holder, how many may have it, for how many milliseconds.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i, key in ipairs(KEYS) do
  local holder, most = ARGV[3 * i - 2], tonumber(ARGV[3 * i - 1])
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  if not redis.call('ZSCORE', key, holder) and redis.call('ZCARD', key) >= most then
    local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
    return {i, first[1], tonumber(first[2]) - now}
  end
end
for i, key in ipairs(KEYS) do
  redis.call('ZADD', key, now + tonumber(ARGV[3 * i]), ARGV[3 * i - 2])
  redis.call('PEXPIREAT', key, redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')[2])
end
return {}
