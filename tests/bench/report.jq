# report.jq: rows out of the records of a run (slurped). A row: what it is, its figures, each with
# floor, target and stretch, and whether these are reached. $setting: how it was run.
def median: sort | if length == 0 then null elif length % 2 == 1 then .[length / 2 | floor]
  else (.[length / 2 - 1] + .[length / 2]) / 2 end;
def of($kind): map(select(.kind == $kind));
def named($kind; $name): map(select(.kind == $kind and .name == $name));
def over($a; $b): if $a == null or $b == null or $b == 0 then null else $a / $b end;
def reached($value; $bounds; $more):
  if $value == null then null
  else [("floor", "target", "stretch") as $level | select($bounds[$level] as $b | if $more then $value >= $b else $value <= $b end) | $level]
    | if length == 0 then "none" else last end end;
def figure($what; $unit; $value; $floor; $target; $stretch):
  {floor: $floor, target: $target, stretch: $stretch} as $bounds
  | {what: $what, unit: $unit, value: $value} + $bounds + {reached: reached($value; $bounds; $floor < $stretch)};
def services: .cpu_ms_per_1000 | .ingest + .classifier + .assignment + .responder;

(of("flood")) as $floods
| ($floods | map(.cpu_total) | median) as $total
| ($floods | map(.cpu_total - .cpu_ms_per_1000.classifier) | median) as $without
| ($floods | map(services - .classifying) | median) as $outside
| (of("bulk") | map(.cpu_ms_per_1000) | median) as $bulk
| (named("peer"; "rabbit")) as $rabbit | (named("peer"; "redis")) as $redis
| ($rabbit | map(.cpu_ms_per_1000) | median) as $rabbit_cpu
| ($redis | map(.cpu_ms_per_1000) | median) as $redis_cpu
| (of("sustained") | map(.rate) | median) as $rate
| ($rabbit | map(.rate) | median) as $rabbit_rate
| (of("paced") | last) as $paced
| (named("peer_rate"; "rabbit") | map(.cpu_ms_per_1000) | median) as $rabbit_paced
| (of("idle") | last) as $idle
| (of("burst") | last) as $burst
| (of("empty") | map(.cpu_total) | median) as $empty
| (of("large") | map(.cpu_total) | median) as $large
| (of("packed") | last) as $packed
| ($floods | map(.wal_bytes_per_post) | median) as $wal
| (of("restart")) as $restarts
| (of("memory") | last) as $memory
| [
    {row: 1, figures: [figure("CPU per triaged post ÷ CPU per RabbitMQ quorum message"; "ratio"; over($total; $rabbit_cpu); 1.2; 0.95; 0.75)],
     ours_ms_per_1000: $total, peer_ms_per_1000: $rabbit_cpu},
    {row: 2, figures: [figure("CPU per triaged post without classifier ÷ bare best bulk insert"; "ratio"; over($without; $bulk); 5; 4; 2.8)],
     ours_ms_per_1000: $without, bulk_ms_per_1000: $bulk, postgres_ms_per_1000: ($floods | map(.cpu_ms_per_1000.postgres) | median)},
    {row: 3, figures: [figure("CPU of the services without PostgreSQL and classifying ÷ Redis Streams hop, fsync always"; "ratio"; over($outside; $redis_cpu); 1; 0.6; 0.3)],
     ours_ms_per_1000: $outside, peer_ms_per_1000: $redis_cpu},
    {row: 4, figures: [figure("sustained triaged posts/s ÷ RabbitMQ quorum messages/s"; "ratio"; over($rate; $rabbit_rate); 0.6; 1; 1.5)],
     posts_per_s: $rate, seconds: (of("sustained") | last | .seconds), peer_per_s: $rabbit_rate},
    {row: 5, figures: [figure("1,000 webhooks/s: p50 from due to decision committed"; "ms"; $paced.p50_ms; 30; 15; 8),
       figure("CPU per post ÷ RabbitMQ quorum at the same rate"; "ratio"; over($paced.cpu_total; $rabbit_paced); 1; 0.6; 0.3)],
     ours_ms_per_1000: $paced.cpu_total, peer_ms_per_1000: $rabbit_paced, ack_p50_ms: $paced.ack_p50_ms, p99_ms: $paced.p99_ms},
    {row: 6, figures: [figure("idle CPU of all services together"; "ms/s"; ($idle | if . == null then null else .cpu_ms_per_s | .ingest + .classifier + .assignment + .responder end); 4; 2; 1)],
     cpu_ms_per_s: $idle.cpu_ms_per_s},
    {row: 7, figures: [figure("burst of \($burst.posts) posts: all acknowledged"; "s"; $burst.acknowledged_s; 10; 6; 4),
       figure("all triaged"; "s"; $burst.seconds; 20; 12; 8)]},
    {row: 8, figures: [figure("CPU per post with \($setting.large) posts stored ÷ empty database"; "ratio"; over($large; $empty); 1.3; 1.2; 1.1),
       figure("WAL bytes per post ÷ its packed bytes"; "ratio"; over($wal; $packed.bytes); 5; 4; 2.8)],
     large_ms_per_1000: $large, empty_ms_per_1000: $empty, wal_bytes: $wal, packed_bytes: $packed.bytes},
    {row: 9, figures: [figure("kill -9 of a service to its first settled post, the slowest"; "s"; ($restarts | map(.seconds) | max); 3; 1; 0.3)],
     services: ($restarts | group_by(.service) | map({key: .[0].service, value: (map(.seconds) | median)}) | from_entries)},
    {row: 10, figures: [figure("resident memory at full load, the largest service"; "MiB"; ($memory.mib | if . == null then null else [.[]] | max end); 128; 64; 32)],
     mib: $memory.mib}
  ]
| {setting: $setting, rows: map(select(.row as $row | $setting.rows | index($row)))}
