-- Binds a queue that expires: the table of its exchange is kept until some time, by the server's clock.
-- KEYS: the table of bindings, the deadlines. ARGV: the binding, the exchange, for how many milliseconds.
redis.call('SADD', KEYS[1], ARGV[1])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
return redis.call('ZADD', KEYS[2], 'GT', now + tonumber(ARGV[3]), ARGV[2])
