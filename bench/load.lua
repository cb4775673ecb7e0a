-- One call after the other, each with an id of its own, for wrk. What is sent is put together once; per
-- request only the id changes, which always has ten digits. Prints one line of JSON.
--
-- BENCH_REQUEST: file with the body; what stands for its id, if it has one, is 9999999999.
-- BENCH_PLACES: file with where to send it, by turns: blocks with an empty line between them, the path in
-- the first line, then "name: value" lines beside the usual headers.
-- BENCH_WANTED: file with what every answer must contain, or empty (looking costs time).

local function read(name)
  local path = os.getenv(name)
  if path == nil or path == "" then return "" end
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

local body = read("BENCH_REQUEST")
local wanted = read("BENCH_WANTED")
local before, behind = body, nil
do
  local from, to = body:find("9999999999", 1, true)
  if from then before, behind = body:sub(1, from - 1), body:sub(to + 1) end
end

-- Random per run: a session must not see an id again while its first call might be in flight.
math.randomseed(os.time())
local id = 1000000000 + math.random(0, 7000) * 1000000
local heads, turn = {}, 0

function init()
  for place in (read("BENCH_PLACES") .. "\n\n"):gmatch("(.-)\n\n") do
    local path, headers = place:match("^([^\n]+)\n?(.*)$")
    if path then
      local lines = {
        "POST " .. path .. " HTTP/1.1",
        "Host: " .. wrk.host .. ":" .. wrk.port,
        "Content-Type: application/json",
        "Accept: application/json, text/event-stream",
        "Content-Length: " .. #body,
      }
      for line in headers:gmatch("[^\n]+") do lines[#lines + 1] = line end
      heads[#heads + 1] = table.concat(lines, "\r\n") .. "\r\n\r\n" .. before
    end
  end
end

function request()
  turn = turn % #heads + 1
  if behind == nil then return heads[turn] end
  id = id + 1
  return heads[turn] .. string.format("%d", id) .. behind
end

-- wrk runs each thread in a Lua state of its own; done() sees another one. Globals cross by get().
wrong = 0
sample = ""
local threads = {}
function setup(thread) threads[#threads + 1] = thread end

if wanted ~= "" then
  function response(status, _, text)
    if status ~= 200 or not text:find(wanted, 1, true) then
      wrong = wrong + 1
      sample = status .. " " .. text:sub(1, 300)
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
    '{"requests":%d,"seconds":%.6f,"p50Ms":%.4f,"p99Ms":%.4f,"failed":%d,"wrong":%d,"sample":"%s","bytes":%d}\n',
    summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.connect + e.read + e.write + e.status + e.timeout, bad,
    (seen:gsub('[%c"\\]', "'")), summary.bytes))
end
