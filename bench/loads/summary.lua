-- Prints what wrk counted as one line of JSON. As `done` is all there is, wrk stays on its static path and costs little.
function done(summary, latency, requests)
  local errors = summary.errors
  print(string.format(
    'summary {"requests":%d,"seconds":%.3f,"p50Ms":%.3f,"p99Ms":%.3f,"refused":%d,"broken":%d}',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout
  ))
end
