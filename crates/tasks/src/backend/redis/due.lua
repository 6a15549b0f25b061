-- Gives the chords that are to be looked at now, to one alone.
-- KEYS: when to look at which chord. ARGV: in how many seconds to look again, how many at once.
local now = redis.call('TIME')[1]
local groups = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[2])
for _, group in ipairs(groups) do redis.call('ZADD', KEYS[1], now + ARGV[1], group) end
return groups
