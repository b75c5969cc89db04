-- Note a failed login; ban its source, or close its account to strangers, when there were too many.
-- KEYS: failures of the source, at the login; bans of the source, of the login; logins tried from the source.
-- ARGV: window, most from a source, most at a login, ban (seconds and counts), source, login, now.
local tried = {{ARGV[6]}, {ARGV[6]}}
redis.call('SADD', KEYS[5], ARGV[6])
redis.call('EXPIRE', KEYS[5], ARGV[1])
tried[1] = redis.call('SMEMBERS', KEYS[5])
for i = 1, 2 do
  local failures = redis.call('INCR', KEYS[i])
  if failures == 1 then redis.call('EXPIRE', KEYS[i], ARGV[1]) end
  if failures >= tonumber(ARGV[i + 1]) then
    redis.call('SET', KEYS[i + 2], failures, 'EX', ARGV[4])
    redis.call('DEL', KEYS[i])
    -- For support, who is asked by a customer why nobody can log in.
    for _, login in ipairs(tried[i]) do
      local who = i == 1 and ARGV[5] or '*'
      redis.call('HSET', 'bans:' .. login, who, failures .. ' ' .. ARGV[7] + ARGV[4])
      redis.call('EXPIRE', 'bans:' .. login, ARGV[4])
    end
  end
end
return 1
