-- Takes messages out of lists and holds them, in one step.
-- KEYS: the hash of what is held, its index, then the lists, the most urgent first.
-- ARGV: what the tags begin with (empty where nothing is to be held), the number of the first tag, how many messages, how many
-- bytes, how many lists have the same priority, then for each list what is put behind a message that is held.
local held, index = KEYS[1], KEYS[2]
local prefix, number = ARGV[1], tonumber(ARGV[2])
local left, bytes, width = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local time = redis.call('TIME')
local now = time[1] .. string.format('.%06d', time[2])
local share = math.ceil(left / width)
local taken = {}

local function hold(messages, list)
  local fields, scores = {}, {}
  for at, message in ipairs(messages) do
    local tag = prefix .. number
    number = number + 1
    fields[2 * at - 1], fields[2 * at] = tag, '[' .. message .. ARGV[5 + list]
    scores[2 * at - 1], scores[2 * at] = now, tag
  end
  local done = redis.pcall('HSET', held, unpack(fields))
  if type(done) ~= 'table' or not done.err then
    done = redis.pcall('ZADD', index, unpack(scores))
  end
  if type(done) == 'table' and done.err then
    for at = #messages, 1, -1 do
      redis.call('RPUSH', KEYS[2 + list], messages[at])
    end
    return done
  end
end

for level = 0, (#KEYS - 2) / width - 1 do
  -- At first an equal share from each of the same priority, then what is left.
  for round = 1, 2 do
    for at = 1, width do
      local list = level * width + at
      local wanted = left
      if round == 1 and share < wanted then wanted = share end
      while wanted > 0 and bytes > 0 do
        local asked = math.min(wanted, 16)
        local messages = redis.call('RPOP', KEYS[2 + list], asked)
        if not messages or #messages == 0 then break end
        if prefix ~= '' then
          local failed = hold(messages, list)
          if failed then return failed end
        end
        for _, message in ipairs(messages) do
          taken[#taken + 1] = list - 1
          taken[#taken + 1] = message
          bytes = bytes - #message
        end
        left = left - #messages
        wanted = wanted - #messages
        if #messages < asked then break end
      end
    end
  end
end
return taken
