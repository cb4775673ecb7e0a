-- One tools/call after the other, each with an id of its own, for wrk. What is sent is put together
-- once; per request only the id changes, which always has ten digits. Prints one line of JSON.
--
-- BENCH_BYTES: length of the message. BENCH_HEADERS: "name: value" lines beside the usual ones.
-- BENCH_VERIFY: look at every answer (slower, so not while measuring).

local text = string.rep("x", tonumber(os.getenv("BENCH_BYTES")))
local before = '{"jsonrpc":"2.0","id":'
local behind = ',"method":"tools/call","params":{"name":"echo","arguments":{"message":"' .. text .. '"}}}'
local head, id = "", 1000000000

-- Random per run: a session must not see an id again while its first call might be in flight.
math.randomseed(os.time())
id = id + math.random(0, 7000) * 1000000

function init()
  local lines = {
    "POST " .. wrk.path .. " HTTP/1.1",
    "Host: " .. wrk.host .. ":" .. wrk.port,
    "Content-Type: application/json",
    "Accept: application/json, text/event-stream",
    "Content-Length: " .. (#before + 10 + #behind),
  }
  for line in os.getenv("BENCH_HEADERS"):gmatch("[^\n]+") do lines[#lines + 1] = line end
  head = table.concat(lines, "\r\n") .. "\r\n\r\n" .. before
end

function request()
  id = id + 1
  return head .. string.format("%d", id) .. behind
end

-- wrk runs each thread in a Lua state of its own; done() sees another one. Globals cross by get().
wrong = 0
sample = ""
local threads = {}
function setup(thread) threads[#threads + 1] = thread end

if os.getenv("BENCH_VERIFY") then
  local wanted = '"text":"' .. text .. '"'
  function response(status, _, body)
    if status ~= 200 or not body:find(wanted, 1, true) then
      wrong = wrong + 1
      sample = status .. " " .. body:sub(1, 300)
    end
  end
end

function done(summary, latency)
  local bad, seen = 0, ""
  for _, thread in ipairs(threads) do
    bad = bad + thread:get("wrong")
    if thread:get("sample") ~= "" then seen = thread:get("sample") end
  end
  local e = summary.errors
  -- Durations of wrk are microseconds.
  io.write(string.format(
    '{"requests":%d,"seconds":%.6f,"bytes":%d,"p50Ms":%.4f,"p99Ms":%.4f,"failed":%d,"wrong":%d,"sample":"%s"}\n',
    summary.requests, summary.duration / 1e6, summary.bytes,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.connect + e.read + e.write + e.status + e.timeout, bad,
    (seen:gsub('[%c"\\]', "'"))))
end
