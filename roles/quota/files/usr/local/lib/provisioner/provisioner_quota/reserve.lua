-- Count a message if every limit allows it, in one step. A message that was counted already is not counted again.
-- KEYS: day, hour, minute, sessions, seen.
-- ARGV: now, recipients, limits of day, hour, minute and sessions (-1: none), session's name, its time to live,
-- times to live of day, hour, seen.
-- Returns {verdict, counted today, counted this hour}; verdicts as in verdicts.py.
local day = tonumber(redis.call('GET', KEYS[1]) or 0)
local hour = tonumber(redis.call('GET', KEYS[2]) or 0)
if redis.call('EXISTS', KEYS[5]) == 1 then
  redis.call('EXPIRE', KEYS[5], ARGV[11], 'GT')
  return {0, day, hour}
end

local now, recipients = tonumber(ARGV[1]), tonumber(ARGV[2])
local function over(count, limit) return limit >= 0 and count > limit end

if tonumber(ARGV[6]) >= 0 then
  local others = 0
  local all = redis.call('HGETALL', KEYS[4])
  for i = 1, #all, 2 do
    if tonumber(all[i + 1]) <= now then
      redis.call('HDEL', KEYS[4], all[i])
    elseif all[i] ~= ARGV[7] then
      others = others + 1
    end
  end
  if over(others + 1, tonumber(ARGV[6])) then return {4, day, hour} end
end
if over(tonumber(redis.call('GET', KEYS[3]) or 0) + 1, tonumber(ARGV[5])) then return {3, day, hour} end
if over(day + recipients, tonumber(ARGV[3])) then return {1, day, hour} end
if over(hour + recipients, tonumber(ARGV[4])) then return {2, day, hour} end

redis.call('INCRBY', KEYS[1], recipients)
redis.call('EXPIRE', KEYS[1], ARGV[9])
redis.call('INCRBY', KEYS[2], recipients)
redis.call('EXPIRE', KEYS[2], ARGV[10])
if tonumber(ARGV[5]) >= 0 then
  redis.call('INCR', KEYS[3])
  redis.call('EXPIRE', KEYS[3], 120)
end
if tonumber(ARGV[6]) >= 0 then
  redis.call('HSET', KEYS[4], ARGV[7], now + tonumber(ARGV[8]))
  redis.call('EXPIRE', KEYS[4], ARGV[8])
end
redis.call('SET', KEYS[5], recipients .. ' ' .. KEYS[1] .. ' ' .. KEYS[2], 'EX', ARGV[11])
return {0, day + recipients, hour + recipients}
