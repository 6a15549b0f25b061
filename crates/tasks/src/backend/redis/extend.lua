-- Says whether whoever has this token still goes on with a chord, and gives it more time.
-- KEYS: who goes on, size, when to look at which chord. ARGV: token, seconds, the group.
local owner = redis.call('GET', KEYS[1])
if owner ~= ARGV[1] and (owner or redis.call('EXISTS', KEYS[2]) == 0) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
local now = redis.call('TIME')
redis.call('ZADD', KEYS[3], 'XX', now[1] + ARGV[2], ARGV[3])
return 1
