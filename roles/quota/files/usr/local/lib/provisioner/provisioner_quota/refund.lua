-- Take back what a message was counted for; once, however often it is asked. KEYS: seen. Returns the recipients.
local seen = redis.call('GET', KEYS[1])
if not seen then return 0 end
redis.call('DEL', KEYS[1])
local recipients, day, hour = seen:match('^(%d+) (%S+) (%S+)$')
for _, key in ipairs({day, hour}) do
  if redis.call('EXISTS', key) == 1 then redis.call('DECRBY', key, recipients) end
end
return tonumber(recipients)
