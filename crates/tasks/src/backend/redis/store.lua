-- Stores a state and tells whoever waits, unless what is there already is more final.
-- KEYS: the key of the task. ARGV: what is stored, for how many seconds (0 for ever), how final it is.
local before = redis.call('GET', KEYS[1])
if before then
  local read, meta = pcall(cjson.decode, before)
  if read and type(meta) == 'table' then
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
