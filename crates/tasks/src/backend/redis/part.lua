-- Counts a part of a chord, once, and says who goes on when it was the last one.
-- KEYS: results, what was added to the size, size, parts that have been counted, the saved header, who goes on, the body, when to look at which
-- chord. ARGV: task, encoded result, whether results are kept in their order, place, for how many seconds they are kept (0 for ever), for
-- how many seconds somebody may go on, by which token, and the group. Says 1 to who goes on, 2 where the body is not known, else 0.
local results, added, sized, counted, header, claim, body, due = unpack(KEYS)
local place, keep = ARGV[4], tonumber(ARGV[5])
local owner = redis.call('GET', claim)
if owner == 'done' then return 0 end
if redis.call('SADD', counted, ARGV[1] .. ':' .. place) == 1 then
  if ARGV[3] == '1' then
    redis.call('ZADD', results, place, ARGV[2])
  else
    redis.call('RPUSH', results, ARGV[2])
  end
end
if keep > 0 then
  for _, key in ipairs({results, added, sized, counted, header}) do redis.call('EXPIRE', key, keep) end
end
local size = redis.call('GET', sized)
if not size then return 0 end
local known = 1 - redis.call('EXISTS', body)
local have
if ARGV[3] == '1' then have = redis.call('ZCARD', results) else have = redis.call('LLEN', results) end
if have ~= tonumber(size) + tonumber(redis.call('GET', added) or 0) then return known * 2 end
-- Asked once more by the same, because the answer was lost.
if owner == ARGV[7] then return 1 end
if redis.call('SET', claim, ARGV[7], 'NX', 'EX', ARGV[6]) then
  local now = redis.call('TIME')
  redis.call('ZADD', due, 'XX', now[1] + ARGV[6], ARGV[8])
  return 1
end
return known * 2
