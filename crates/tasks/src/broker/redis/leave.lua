-- A consumer leaves a queue that goes with the last of them.
-- KEYS: the set of its consumers, the hash of all consumers, its table of bindings, that of permanent ones, then its lists.
-- ARGV: the consumer, the binding.
redis.call('SREM', KEYS[1], ARGV[1])
for _, other in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  if redis.call('HEXISTS', KEYS[2], other) == 1 then return 0 end
end
redis.call('SREM', KEYS[3], ARGV[2])
redis.call('SREM', KEYS[4], ARGV[2])
redis.call('DEL', KEYS[1], unpack(KEYS, 5))
return 1
