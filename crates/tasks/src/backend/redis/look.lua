-- Looks at a chord: says 0 where there is nothing more to do for it, 1 where somebody goes on or others are to come, 2 where its size is gone, and 3
-- where all parts have ended and whoever asks goes on.
-- KEYS: results, what was added to the size, size, who goes on, the body. ARGV: token, seconds, whether results are kept in their order.
local results, added, sized, claim, body = unpack(KEYS)
local owner = redis.call('GET', claim)
if owner == 'done' then redis.call('DEL', body) end
if redis.call('EXISTS', body) == 0 then return 0 end
if owner and owner ~= ARGV[1] then return 1 end
local size = redis.call('GET', sized)
if not size then return 2 end
local have
if ARGV[3] == '1' then have = redis.call('ZCARD', results) else have = redis.call('LLEN', results) end
if have ~= tonumber(size) + tonumber(redis.call('GET', added) or 0) then return 1 end
redis.call('SET', claim, ARGV[1], 'EX', ARGV[2])
return 3
