-- Stores a state and tells whoever waits, unless what is there already is more final.
-- KEYS: the key of the task. ARGV: what is stored, for how many seconds (0 for ever), how final it is; and, from whoever has read it
-- and found that it may be replaced, what is there (empty for nothing). Says 1 where it is stored, 0 where what is there stays, and -1
-- where this cannot be told here, because it is no JSON, or where meanwhile something else is there.
local before = redis.call('GET', KEYS[1])
if ARGV[4] then
  if (before or '') ~= ARGV[4] then return -1 end
elseif before then
  local read, meta = pcall(cjson.decode, before)
  if not read then return -1 end
  if type(meta) == 'table' then
    local final = 0
    if meta.status == 'SUCCESS' then final = 2 end
    if meta.status == 'FAILURE' or meta.status == 'REVOKED' then final = 1 end
    if final == 2 or final > tonumber(ARGV[3]) then return 0 end
  end
end
if ARGV[2] == '0' then
  redis.call('SET', KEYS[1], ARGV[1])
else
  redis.call('SETEX', KEYS[1], ARGV[2], ARGV[1])
end
redis.call('PUBLISH', KEYS[1], ARGV[1])
return 1
