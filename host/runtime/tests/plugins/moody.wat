;; A guest that misbehaves in every way; the test chooses by `batch.skipped`.
;; In braces: what `guest.rs` fills in.
(component
  (import "growbox:plugin/types@0.1.0" (instance $types
    (type $clock' (record (field "now" u64) (field "wall" u64) (field "wall-trusted" bool) (field "utc-offset" s32)))
    (export "clock" (type $clock (eq $clock')))
    (type $quality' (enum "good" "uncertain" "bad"))
    (export "quality" (type $quality (eq $quality')))
    (type $reading' (record
      (field "sensor" string) (field "quantity" string) (field "value" f64)
      (field "unit" string) (field "quality" $quality)))
    (export "reading" (type $reading (eq $reading')))
    (type $payload' (variant (case "reading" $reading) (case "document" string)))
    (export "payload" (type $payload (eq $payload')))
    (type $correlation' (record (field "pattern" string) (field "events" (list u64))))
    (export "correlation" (type $correlation (eq $correlation')))
    (type $event' (record
      (field "seq" u64) (field "type" string) (field "zone" (option string)) (field "source" string)
      (field "at" u64) (field "taken" u64) (field "cause" (option u64))
      (field "correlation" (option $correlation)) (field "payload" $payload)
      (field "metadata" (option string))))
    (export "event" (type $event (eq $event')))
    (type $measure' (record
      (field "quantity" string) (field "unit" string) (field "value" f64)
      (field "quality" $quality) (field "taken" u64)))
    (export "measure" (type $measure (eq $measure')))
    (type $setpoint' (record
      (field "quantity" string) (field "unit" string)
      (field "low" f64) (field "target" f64) (field "high" f64)))
    (export "setpoint" (type $setpoint (eq $setpoint')))
    (type $device-view' (record
      (field "id" string) (field "role" string) (field "switched" bool)
      (field "low" f64) (field "high" f64) (field "level" f64)
      (field "since" u64) (field "available" bool)
      (field "owner" (option string)) (field "until" (option u64))
      (field "refusal" (option string)) (field "free-at" (option u64))))
    (export "device-view" (type $device-view (eq $device-view')))
    (type $zone-view' (record
      (field "zone" string) (field "ambient" (option string)) (field "stage" (option string))
      (field "operation" string) (field "mode" (option string)) (field "day" (option bool))
      (field "setpoints" (list $setpoint)) (field "climate" (list $measure))
      (field "missing" (list string)) (field "devices" (list $device-view))
      (field "attributes" (list (tuple string string)))))
    (export "zone-view" (type $zone-view (eq $zone-view')))
    (type $batch' (record
      (field "clock" $clock) (field "tick" bool) (field "skipped" u64)
      (field "zones" (list $zone-view)) (field "events" (list $event))))
    (export "batch" (type $batch (eq $batch')))
    (type $command' (variant
      (case "level" f64) (case "pulse" u64) (case "release") (case "other" (tuple string string))))
    (export "command" (type $command (eq $command')))
    (type $request' (record
      (field "device" string) (field "command" $command) (field "lease" (option u64))
      (field "reason" string) (field "causes" (list u64))))
    (export "request" (type $request (eq $request')))
    (type $draft' (record
      (field "type" string) (field "zone" (option string)) (field "at" (option u64))
      (field "payload" $payload) (field "metadata" (option string)) (field "causes" (list u64))))
    (export "draft" (type $draft (eq $draft')))
    (type $stop' (record (field "zone" (option string)) (field "reason" string) (field "causes" (list u64))))
    (export "stop" (type $stop (eq $stop')))
    (type $call' (record
      (field "key" string) (field "method" string) (field "url" string)
      (field "headers" (list (tuple string string))) (field "body" (list u8))))
    (export "call" (type $call (eq $call')))
    (type $effect' (variant
      (case "emit" $draft) (case "request" $request) (case "stop" $stop) (case "call" $call)
      (case "other" (tuple string string))))
    (export "effect" (type $effect (eq $effect')))
    (type $delivery' (enum "every" "latest"))
    (export "delivery" (type $delivery (eq $delivery')))
    (type $subscription' (record
      (field "types" (list string)) (field "zones" (list string)) (field "delivery" $delivery)))
    (export "subscription" (type $subscription (eq $subscription')))
    (type $ask' (record
      (field "ability" string) (field "scope" string) (field "why" string) (field "required" bool)))
    (export "ask" (type $ask (eq $ask')))
    (type $manifest' (record
      (field "id" string) (field "version" string) (field "summary" string)
      (field "subscriptions" (list $subscription)) (field "asks" (list $ask))
      (field "tick" (option u64)) (field "settings-schema" string) (field "state-version" u32)
      (field "attributes" (list (tuple string string)))))
    (export "manifest" (type $manifest (eq $manifest')))
    (type $fault' (variant
      (case "settings" (tuple string string)) (case "event" (tuple u64 string))
      (case "transient" string) (case "permanent" string)))
    (export "fault" (type $fault (eq $fault')))))
  (import "growbox:plugin/log@0.1.0" (instance $log
    (type $level' (enum "debug" "info" "warn" "error"))
    (export "level" (type $level (eq $level')))
    (export "write" (func (param "level" $level) (param "message" string)))))
  (import "growbox:plugin/state@0.1.0" (instance $state
    (export "get" (func (param "key" string) (result (option (list u8)))))
    (export "set" (func (param "key" string) (param "value" (list u8)) (result (result (error string)))))))
  (import "growbox:plugin/history@0.1.0" (instance $history
    (type $window' (record (field "start" u64) (field "end" u64) (field "limit" u32)))
    (export "window" (type $window (eq $window')))
    (type $sample' (record
      (field "at" u64) (field "low" f64) (field "mean" f64) (field "high" f64) (field "count" u32)))
    (export "sample" (type $sample (eq $sample')))
    (export "samples" (func
      (param "sensor" string) (param "quantity" string) (param "window" $window)
      (param "step" (option u64)) (result (result (list $sample) (error string)))))))

  ;; 512 on: words; 1024: the manifest; 2048: answers of the host; 3072: the result;
  ;; 4096 on: effects; 262144 on: what `realloc` gives.
  (core module $room
    (memory (export "memory") 64)
    (global $free (mut i32) (i32.const 262144))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
      (global.set $free (i32.add (local.get $at) (local.get 3)))
      (local.get $at))
    (func (export "reset") (param i32) (global.set $free (i32.const 262144))))
  (core instance $room (instantiate $room))
  (alias core export $room "memory" (core memory $memory))
  (alias core export $room "realloc" (core func $realloc))

  (core func $write (canon lower (func $log "write") (memory $memory)))
  (core func $get (canon lower (func $state "get") (memory $memory) (realloc $realloc)))
  (core func $set (canon lower (func $state "set") (memory $memory) (realloc $realloc)))
  (core func $samples (canon lower (func $history "samples") (memory $memory) (realloc $realloc)))

  (core module $moody
    (import "room" "memory" (memory 64))
    (import "host" "write" (func $log (param i32 i32 i32)))
    (import "host" "get" (func $get (param i32 i32 i32)))
    (import "host" "set" (func $set (param i32 i32 i32 i32 i32)))
    (import "host" "samples" (func $samples (param i32 i32 i32 i32 i64 i64 i32 i32 i64 i32)))

    (data (i32.const 512) "n")
    (data (i32.const 520) "starts")
    (data (i32.const 530) "0.1.0")
    (data (i32.const 540) "note")
    (data (i32.const 550) "co2")
    (data (i32.const 600) "{id}")
    ;; manifest: id, version, and nothing else
    (func $describe (export "describe") (result i32)
      {describe}
      (i32.store (i32.const 1024) (i32.const 600))
      (i32.store (i32.const 1028) (i32.const {id_length}))
      (i32.store (i32.const 1032) (i32.const 530))
      (i32.store (i32.const 1036) (i32.const 5))
      (i32.const 1024))

    ;; state[key] += by, as a little-endian u64
    (func $add (param $key i32) (param $length i32) (param $by i64)
      (local $old i64)
      (call $get (local.get $key) (local.get $length) (i32.const 2048))
      (if (i32.load8_u (i32.const 2048))
        (then (local.set $old (i64.load (i32.load (i32.const 2052))))))
      (i64.store (i32.const 2080) (i64.add (local.get $old) (local.get $by)))
      (call $set (local.get $key) (local.get $length) (i32.const 2080) (i32.const 8) (i32.const 2096)))

    (func (export "start")
      (param i32 i32 i64 i64 i32 i32) (result i32)
      {start}
      (i32.store8 (i32.const 3072) (i32.const 0))
      (i32.const 3072))

    (func $deep (param i32) (result i32)
      (i32.add (call $deep (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))

    (func $ok (param $effects i32) (result i32)
      (i32.store8 (i32.const 3072) (i32.const 0))
      (i32.store (i32.const 3080) (i32.const 4096))
      (i32.store (i32.const 3084) (local.get $effects))
      (i32.const 3072))

    ;; one effect `other("note", text)` at 4096
    (func $note (param $text i32) (param $length i32)
      (i32.store8 (i32.const 4096) (i32.const 4))
      (i32.store (i32.const 4104) (i32.const 540))
      (i32.store (i32.const 4108) (i32.const 4))
      (i32.store (i32.const 4112) (local.get $text))
      (i32.store (i32.const 4116) (local.get $length)))

    (func (export "handle")
      (param $now i64) (param $wall i64) (param $trusted i32) (param $offset i32)
      (param $tick i32) (param $skipped i64)
      (param $zones i32) (param $zone_count i32) (param $events i32) (param $event_count i32)
      (result i32)
      (local $what i32)
      (local.set $what (i32.wrap_i64 (local.get $skipped)))
      (call $add (i32.const 512) (i32.const 1) (i64.extend_i32_u (local.get $event_count)))
      (if (i32.eq (local.get $what) (i32.const 1)) (then unreachable))
      (if (i32.eq (local.get $what) (i32.const 2)) (then (loop $for_ever (br $for_ever))))
      (if (i32.eq (local.get $what) (i32.const 3))
        (then (loop $more
          (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))
          unreachable)))
      (if (i32.eq (local.get $what) (i32.const 4))
        (then (loop $again
          (call $log (i32.const 0) (i32.const 540) (i32.const 4)) (br $again))))
      (if (i32.eq (local.get $what) (i32.const 5))
        (then
          (local.set $what (i32.const 100))
          (loop $again
            (call $log (i32.const 1) (i32.const 540) (i32.const 4))
            (br_if $again (local.tee $what (i32.sub (local.get $what) (i32.const 1)))))))
      (if (i32.eq (local.get $what) (i32.const 6))
        (then
          (i32.store8 (i32.const 3072) (i32.const 1))
          (i32.store8 (i32.const 3080) (i32.const 2))
          (i32.store (i32.const 3088) (i32.const 540))
          (i32.store (i32.const 3092) (i32.const 4))
          (return (i32.const 3072))))
      (if (i32.eq (local.get $what) (i32.const 7)) (then (return (call $ok (i32.const 1025)))))
      (if (i32.eq (local.get $what) (i32.const 8))
        (then
          (call $note (i32.const 262144) (i32.const 2097152))
          (return (call $ok (i32.const 1)))))
      (if (i32.eq (local.get $what) (i32.const 9))
        (then
          (call $note (i32.const 540) (i32.const 4))
          (return (call $ok (i32.const 2)))))
      (if (i32.eq (local.get $what) (i32.const 10)) (then (drop (call $deep (i32.const 0)))))
      (if (i32.eq (local.get $what) (i32.const 11))
        (then
          (call $samples
            (i32.const 550) (i32.const 3) (i32.const 550) (i32.const 3)
            (i64.const 0) (i64.const 1000) (i32.const 10)
            (i32.const 0) (i64.const 0) (i32.const 2048))
          (if (i32.load8_u (i32.const 2048))
            (then
              (call $note (i32.load (i32.const 2052)) (i32.load (i32.const 2056)))
              (return (call $ok (i32.const 1)))))))
      (call $ok (i32.const 0))))
  (core instance $main (instantiate $moody
    (with "room" (instance $room))
    (with "host" (instance
      (export "write" (func $write)) (export "get" (func $get))
      (export "set" (func $set)) (export "samples" (func $samples))))))

  (alias export $types "manifest" (type $manifest))
  (alias export $types "clock" (type $clock))
  (alias export $types "batch" (type $batch))
  (alias export $types "effect" (type $effect))
  (alias export $types "fault" (type $fault))
  (func $describe (result $manifest)
    (canon lift (core func $main "describe") (memory $memory)))
  (func $start (param "settings" string) (param "clock" $clock) (result (result (error $fault)))
    (canon lift (core func $main "start") (memory $memory) (realloc $realloc)))
  (func $handle (param "batch" $batch) (result (result (list $effect) (error $fault)))
    (canon lift (core func $main "handle") (memory $memory) (realloc $realloc)
      (post-return (func $room "reset"))))
  (instance $handler
    (export "describe" (func $describe)) (export "start" (func $start)) (export "handle" (func $handle)))
  (export "growbox:plugin/handler@0.1.0" (instance $handler)))
