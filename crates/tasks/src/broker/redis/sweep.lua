-- Removes tables of bindings that nobody has refreshed in time, by the server's clock. One in which a queue stands that does not expire stays.
-- KEYS: the deadlines. ARGV: how the names of tables begin, and those of tables of queues that do not expire; how many at the most.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local over = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, tonumber(ARGV[3]))
for _, exchange in ipairs(over) do
  if redis.call('EXISTS', ARGV[2] .. exchange) == 0 then redis.call('DEL', ARGV[1] .. exchange) end
  redis.call('ZREM', KEYS[1], exchange)
end
return #over
