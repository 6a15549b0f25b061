-- Puts the messages of a body into their queues and removes what was kept for the chord, if whoever has this token goes on with it, and remembers for a
-- while that it is done.
-- KEYS: who goes on, when to look at which chord, five that are removed, and the list of each message. ARGV: token, seconds, the group, and the
-- messages.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
for index = 8, #KEYS do redis.call('LPUSH', KEYS[index], ARGV[index - 4]) end
redis.call('DEL', unpack(KEYS, 3, 7))
redis.call('ZREM', KEYS[2], ARGV[3])
redis.call('SET', KEYS[1], 'done', 'EX', ARGV[2])
return 1
