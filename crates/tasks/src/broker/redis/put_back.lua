-- Puts a message that is held back into its lists, unless somebody else has settled it.
-- KEYS: the hash of what is held, its index, then the lists.
-- ARGV: the tag, since when it has to be held at least (empty for any time), which end (R: it is next), the message.
if ARGV[2] ~= '' then
  local since = redis.call('ZSCORE', KEYS[2], ARGV[1])
  if since and tonumber(since) > tonumber(ARGV[2]) then return 0 end
end
redis.call('ZREM', KEYS[2], ARGV[1])
if redis.call('HDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
for list = 3, #KEYS do
  redis.call(ARGV[3] == 'R' and 'RPUSH' or 'LPUSH', KEYS[list], ARGV[4])
end
return 1
