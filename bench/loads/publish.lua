-- Publishes unique events for some seconds, then lets every answer that is still out come in.
-- Arguments: seconds, events per second (0: as fast as answers come), connections.
local ffi = require 'ffi'
ffi.cdef 'struct bench_time { long s; long us; }; int gettimeofday(struct bench_time *, void *);'
local time = ffi.new 'struct bench_time'

local function now_ms()
  ffi.C.gettimeofday(time, nil)
  return tonumber(time.s) * 1000 + tonumber(time.us) / 1000
end

local head, seconds, deadline
-- wrk asks for one request that it does not send, to see how many requests a string holds: the numbering starts at -1.
local number = -1
local silent = false

function init(args)
  seconds = tonumber(args[1])
  local rate, connections = tonumber(args[2]), tonumber(args[3])
  wrk.headers['Host'] = wrk.host .. ':' .. wrk.port
  wrk.headers['Content-Type'] = 'application/json'
  head = 'POST ' .. wrk.path .. ' HTTP/1.1\r\n'
  for name, value in pairs(wrk.headers) do head = head .. name .. ': ' .. value .. '\r\n' end
  if rate > 0 then
    local between = 1000 * connections / rate
    function delay() return math.floor(math.random() * 2 * between) end
  end
end

function request()
  local now = now_ms()
  if number == 0 then deadline = now + seconds * 1000 end
  if deadline and now > deadline then
    -- An empty request leaves the connection open and quiet.
    if not silent then io.stderr:write('sent ', number, '\n') end
    silent = true
    return ''
  end
  local body = string.format(
    '{"eventType":"order.paid","payload":{"number":%d,"sentMs":%.3f,"order":"ord_%012d","currency":"EUR","total":4599,' ..
    '"customer":{"id":"cus_%08d","country":"NL"},"lines":[{"sku":"A-100","quantity":2},{"sku":"B-205","quantity":1}]}}',
    number, now, number, number % 10000
  )
  number = number + 1
  return head .. 'Content-Length: ' .. #body .. '\r\n\r\n' .. body
end

dofile((debug.getinfo(1, 'S').source:sub(2):gsub('publish.lua$', 'summary.lua')))
