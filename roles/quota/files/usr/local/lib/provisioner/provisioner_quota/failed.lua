-- Note a failed login; ban its source, or close its account to strangers, when there were too many.
-- KEYS: failures of the source (a hash, by login), failures at the login; bans of the source, of the login.
-- ARGV: window, most from a source, most at a login, ban (seconds and counts), source, login, now.
local source, login = ARGV[5], ARGV[6]

local function ban(i, failures, who, logins)
  redis.call('SET', KEYS[i + 2], failures, 'EX', ARGV[4])
  redis.call('DEL', KEYS[i])
  -- For support, who is asked by a customer why nobody can log in.
  for _, each in ipairs(logins) do
    redis.call('HSET', 'bans:' .. each, who, failures .. ' ' .. ARGV[7] + ARGV[4])
    redis.call('EXPIRE', 'bans:' .. each, ARGV[4])
  end
end

redis.call('HINCRBY', KEYS[1], login, 1)
local failures = 0
for _, count in ipairs(redis.call('HVALS', KEYS[1])) do failures = failures + tonumber(count) end
if redis.call('TTL', KEYS[1]) < 0 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
if failures >= tonumber(ARGV[2]) then ban(1, failures, source, redis.call('HKEYS', KEYS[1])) end

failures = redis.call('INCR', KEYS[2])
if failures == 1 then redis.call('EXPIRE', KEYS[2], ARGV[1]) end
if failures >= tonumber(ARGV[3]) then ban(2, failures, '*', {login}) end
return 1
