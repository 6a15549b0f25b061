-- What every script below begins with. The keys: uris, tags, leases, events, the number of the last event.
-- The clock is that of the store, so that all name servers have the same.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function text(number) return string.format('%.0f', number) end
local function tell(event, name, uri, tags)
  local number = redis.call('INCR', KEYS[5])
  redis.call('XADD', KEYS[4], 'MAXLEN', '~', 10000, '*',
    'number', number, 'event', event, 'name', name, 'uri', uri, 'tags', tags)
end
local function take(name, event)
  local uri = redis.call('HGET', KEYS[1], name)
  local tags = redis.call('HGET', KEYS[2], name)
  redis.call('HDEL', KEYS[1], name)
  redis.call('HDEL', KEYS[2], name)
  redis.call('ZREM', KEYS[3], name)
  if not uri then return 0 end
  tell(event, name, uri, tags or '[]')
  return 1
end
local function leased(name, given, uri)
  if not redis.call('ZSCORE', KEYS[3], name) then return false end
  return given == '0' or redis.call('HGET', KEYS[1], name) == uri
end
for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', text(now))) do take(name, 'expired') end
