-- Removes what was kept for a chord, if whoever has this token went on with it, and remembers for a while that it is done.
-- KEYS: who goes on, when to look at which chord, and what is removed. ARGV: token, seconds, the group.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', unpack(KEYS, 3))
redis.call('ZREM', KEYS[2], ARGV[3])
redis.call('SET', KEYS[1], 'done', 'EX', ARGV[2])
return 1
