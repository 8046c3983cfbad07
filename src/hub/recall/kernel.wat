;; The inner loops of src/hub/recall/quantised-index.ts. `npx tsx scripts/write-kernel.ts` turns this file into
;; kernel-bytes.ts. All addresses are multiples of 16, all numbers of dimensions multiples of 128.
(module
  (import "env" "memory" (memory 1))

  ;; The inner product of 8-bit codes with a 16-bit query.
  (func $dot (export "dot") (param $codes i32) (param $query i32) (param $dimensions i32) (result i32)
    (local $sum v128)
    (local $end i32)
    (local.set $end (i32.add (local.get $codes) (local.get $dimensions)))
    (loop $more
      (local.set $sum
        (i32x4.add
          (i32x4.add
            (local.get $sum)
            (i32x4.dot_i16x8_s (v128.load8x8_s (local.get $codes)) (v128.load (local.get $query))))
          (i32x4.dot_i16x8_s
            (v128.load8x8_s offset=8 (local.get $codes))
            (v128.load offset=16 (local.get $query)))))
      (local.set $query (i32.add (local.get $query) (i32.const 32)))
      (br_if $more
        (i32.lt_u (local.tee $codes (i32.add (local.get $codes) (i32.const 16))) (local.get $end))))
    (call $total (local.get $sum)))

  (func $total (param $sum v128) (result i32)
    (i32.add
      (i32.add (i32x4.extract_lane 0 (local.get $sum)) (i32x4.extract_lane 1 (local.get $sum)))
      (i32.add (i32x4.extract_lane 2 (local.get $sum)) (i32x4.extract_lane 3 (local.get $sum)))))

  ;; The same for what is left over of a code: 4 bits each, the low halves of 16 bytes before the high ones.
  (func (export "dotOfRests") (param $rests i32) (param $query i32) (param $dimensions i32) (result i32)
    (local $sum v128)
    (local $both v128)
    (local $low v128)
    (local $high v128)
    (local $end i32)
    (local.set $end (i32.add (local.get $rests) (i32.shr_u (local.get $dimensions) (i32.const 1))))
    (loop $more
      (local.set $both (v128.load (local.get $rests)))
      (local.set $low (i8x16.shr_s (i8x16.shl (local.get $both) (i32.const 4)) (i32.const 4)))
      (local.set $high (i8x16.shr_s (local.get $both) (i32.const 4)))
      (local.set $sum
        (i32x4.add
          (i32x4.add
            (local.get $sum)
            (i32x4.dot_i16x8_s (i16x8.extend_low_i8x16_s (local.get $low)) (v128.load (local.get $query))))
          (i32x4.add
            (i32x4.dot_i16x8_s
              (i16x8.extend_high_i8x16_s (local.get $low))
              (v128.load offset=16 (local.get $query)))
            (i32x4.add
              (i32x4.dot_i16x8_s
                (i16x8.extend_low_i8x16_s (local.get $high))
                (v128.load offset=32 (local.get $query)))
              (i32x4.dot_i16x8_s
                (i16x8.extend_high_i8x16_s (local.get $high))
                (v128.load offset=48 (local.get $query)))))))
      (local.set $query (i32.add (local.get $query) (i32.const 64)))
      (br_if $more
        (i32.lt_u (local.tee $rests (i32.add (local.get $rests) (i32.const 16))) (local.get $end))))
    (call $total (local.get $sum)))

  ;; How many bits differ from those of the query, for `count` vectors: 16 bits each at `out`, and how often each
  ;; distance comes up is added to the 32-bit counters at `histogram`.
  (func (export "distances")
    (param $bits i32) (param $query i32) (param $out i32) (param $histogram i32) (param $count i32) (param $bytes i32)
    (local $at i32)
    (local $distance i64)
    (local $counter i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $out) (i32.shl (local.get $count) (i32.const 1))))
    (if (i32.eqz (local.get $count)) (then (return)))
    (loop $vector
      (local.set $distance (i64.const 0))
      (local.set $at (i32.const 0))
      (loop $part
        (local.set $distance
          (i64.add
            (i64.add
              (local.get $distance)
              (i64.popcnt
                (i64.xor
                  (i64.load (i32.add (local.get $bits) (local.get $at)))
                  (i64.load (i32.add (local.get $query) (local.get $at))))))
            (i64.popcnt
              (i64.xor
                (i64.load offset=8 (i32.add (local.get $bits) (local.get $at)))
                (i64.load offset=8 (i32.add (local.get $query) (local.get $at)))))))
        (br_if $part
          (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16))) (local.get $bytes))))
      (i32.store16 (local.get $out) (i32.wrap_i64 (local.get $distance)))
      (local.set $counter
        (i32.add (local.get $histogram) (i32.shl (i32.wrap_i64 (local.get $distance)) (i32.const 2))))
      (i32.store (local.get $counter) (i32.add (i32.load (local.get $counter)) (i32.const 1)))
      (local.set $bits (i32.add (local.get $bits) (local.get $bytes)))
      (br_if $vector
        (i32.lt_u (local.tee $out (i32.add (local.get $out) (i32.const 2))) (local.get $end)))))

  ;; Writes to `out` (32 bits each) which of `count` vectors have a distance from `low` up to but not including `high`;
  ;; returns how many. Most groups of eight have none.
  (func (export "within")
    (param $distances i32) (param $count i32) (param $low i32) (param $high i32) (param $out i32) (result i32)
    (local $index i32)
    (local $stop i32)
    (local $first i32)
    (local $span i32)
    (local.set $first (local.get $out))
    (local.set $span (i32.sub (local.get $high) (local.get $low)))
    (block $done
      (loop $group
        (br_if $done (i32.ge_u (local.get $index) (local.get $count)))
        (local.set $stop (i32.add (local.get $index) (i32.const 8)))
        (if (i32.gt_u (local.get $stop) (local.get $count))
          (then (local.set $stop (local.get $count)))
          (else
            (if (i32.eqz
                (v128.any_true
                  (i16x8.lt_u
                    (i16x8.sub (v128.load (local.get $distances)) (i16x8.splat (local.get $low)))
                    (i16x8.splat (local.get $span)))))
              (then
                (local.set $distances (i32.add (local.get $distances) (i32.const 16)))
                (local.set $index (local.get $stop))
                (br $group)))))
        (loop $one
          ;; Always written, and only kept by moving on: no branch to guess wrong.
          (i32.store (local.get $out) (local.get $index))
          (local.set $out
            (i32.add
              (local.get $out)
              (i32.shl
                (i32.lt_u
                  (i32.sub (i32.load16_u (local.get $distances)) (local.get $low))
                  (local.get $span))
                (i32.const 2))))
          (local.set $distances (i32.add (local.get $distances) (i32.const 2)))
          (br_if $one
            (i32.lt_u (local.tee $index (i32.add (local.get $index) (i32.const 1))) (local.get $stop))))
        (br $group)))
    (i32.shr_u (i32.sub (local.get $out) (local.get $first)) (i32.const 2)))

  ;; Multiplies `count` floats at `values` by those at `signs`, then takes their Walsh-Hadamard transform. `count` is a
  ;; power of two from 8; the first two steps are within four floats.
  (func (export "transform") (param $values i32) (param $signs i32) (param $count i32)
    (local $at i32)
    (local $end i32)
    (local $half i32)
    (local $stop i32)
    (local $a v128)
    (local $b v128)
    (local.set $end (i32.add (local.get $values) (i32.shl (local.get $count) (i32.const 2))))
    (local.set $at (local.get $values))
    (loop $four
      (local.set $a (f32x4.mul (v128.load (local.get $at)) (v128.load (local.get $signs))))
      ;; x0 + x1, x0 - x1, x2 + x3, x2 - x3
      (local.set $a
        (f32x4.add
          (i8x16.shuffle 0 1 2 3 0 1 2 3 8 9 10 11 8 9 10 11 (local.get $a) (local.get $a))
          (f32x4.mul
            (i8x16.shuffle 4 5 6 7 4 5 6 7 12 13 14 15 12 13 14 15 (local.get $a) (local.get $a))
            (v128.const f32x4 1 -1 1 -1))))
      ;; y0 + y2, y1 + y3, y0 - y2, y1 - y3
      (v128.store (local.get $at)
        (f32x4.add
          (i8x16.shuffle 0 1 2 3 4 5 6 7 0 1 2 3 4 5 6 7 (local.get $a) (local.get $a))
          (f32x4.mul
            (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15 (local.get $a) (local.get $a))
            (v128.const f32x4 1 1 -1 -1))))
      (local.set $signs (i32.add (local.get $signs) (i32.const 16)))
      (br_if $four
        (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16))) (local.get $end))))
    ;; In bytes from here on.
    (local.set $half (i32.const 16))
    (loop $step
      (local.set $at (local.get $values))
      (loop $block
        (local.set $stop (i32.add (local.get $at) (local.get $half)))
        (loop $pair
          (local.set $a (v128.load (local.get $at)))
          (local.set $b (v128.load (i32.add (local.get $at) (local.get $half))))
          (v128.store (local.get $at) (f32x4.add (local.get $a) (local.get $b)))
          (v128.store (i32.add (local.get $at) (local.get $half)) (f32x4.sub (local.get $a) (local.get $b)))
          (br_if $pair
            (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16))) (local.get $stop))))
        (br_if $block
          (i32.lt_u (local.tee $at (i32.add (local.get $at) (local.get $half))) (local.get $end))))
      (br_if $step
        (i32.lt_u
          (local.tee $half (i32.shl (local.get $half) (i32.const 1)))
          (i32.shl (local.get $count) (i32.const 2))))))

  ;; The largest of the absolute values of `count` floats.
  (func (export "largest") (param $values i32) (param $count i32) (result f32)
    (local $end i32)
    (local $most v128)
    (local.set $end (i32.add (local.get $values) (i32.shl (local.get $count) (i32.const 2))))
    (loop $more
      (local.set $most (f32x4.max (local.get $most) (f32x4.abs (v128.load (local.get $values)))))
      (br_if $more
        (i32.lt_u (local.tee $values (i32.add (local.get $values) (i32.const 16))) (local.get $end))))
    (f32.max
      (f32.max (f32x4.extract_lane 0 (local.get $most)) (f32x4.extract_lane 1 (local.get $most)))
      (f32.max (f32x4.extract_lane 2 (local.get $most)) (f32x4.extract_lane 3 (local.get $most)))))

  ;; Of 16 floats times `factor`: the nearest integers, 8 bits each.
  (func $codes (param $values i32) (param $factor v128) (result v128)
    (i8x16.narrow_i16x8_s
      (i16x8.narrow_i32x4_s
        (call $nearest (v128.load (local.get $values)) (local.get $factor))
        (call $nearest (v128.load offset=16 (local.get $values)) (local.get $factor)))
      (i16x8.narrow_i32x4_s
        (call $nearest (v128.load offset=32 (local.get $values)) (local.get $factor))
        (call $nearest (v128.load offset=48 (local.get $values)) (local.get $factor)))))

  (func $nearest (param $values v128) (param $factor v128) (result v128)
    (i32x4.trunc_sat_f32x4_s (f32x4.nearest (f32x4.mul (local.get $values) (local.get $factor)))))

  ;; What is left of 4 floats times `factor` when their codes are taken off, in sixteenths: from -8 to 8.
  (func $left (param $values v128) (param $factor v128) (result v128)
    (local $exact v128)
    (local.set $exact (f32x4.mul (local.get $values) (local.get $factor)))
    (i32x4.trunc_sat_f32x4_s
      (f32x4.nearest
        (f32x4.mul
          (f32x4.sub (local.get $exact) (f32x4.nearest (local.get $exact)))
          (f32x4.splat (f32.const 16))))))

  ;; The same for 16 floats, from -8 to 7, 8 bits each.
  (func $rests (param $values i32) (param $factor v128) (result v128)
    (i8x16.min_s
      (i8x16.splat (i32.const 7))
      (i8x16.narrow_i16x8_s
        (i16x8.narrow_i32x4_s
          (call $left (v128.load (local.get $values)) (local.get $factor))
          (call $left (v128.load offset=16 (local.get $values)) (local.get $factor)))
        (i16x8.narrow_i32x4_s
          (call $left (v128.load offset=32 (local.get $values)) (local.get $factor))
          (call $left (v128.load offset=48 (local.get $values)) (local.get $factor))))))

  ;; Codes and rests of floats, `factor` being 127 over the largest of them.
  (func (export "encode") (param $values i32) (param $factor f32) (param $codes i32) (param $rests i32) (param $count i32)
    (local $end i32)
    (local $all v128)
    (local.set $all (f32x4.splat (local.get $factor)))
    (local.set $end (i32.add (local.get $values) (i32.shl (local.get $count) (i32.const 2))))
    (loop $more
      (v128.store (local.get $codes) (call $codes (local.get $values) (local.get $all)))
      (v128.store offset=16 (local.get $codes)
        (call $codes (i32.add (local.get $values) (i32.const 64)) (local.get $all)))
      (v128.store (local.get $rests)
        (v128.or
          (v128.and
            (call $rests (local.get $values) (local.get $all))
            (i8x16.splat (i32.const 15)))
          (i8x16.shl
            (call $rests (i32.add (local.get $values) (i32.const 64)) (local.get $all))
            (i32.const 4))))
      (local.set $codes (i32.add (local.get $codes) (i32.const 32)))
      (local.set $rests (i32.add (local.get $rests) (i32.const 16)))
      (br_if $more
        (i32.lt_u (local.tee $values (i32.add (local.get $values) (i32.const 128))) (local.get $end)))))

  ;; The signs of codes, one bit each.
  (func (export "signs") (param $codes i32) (param $bits i32) (param $dimensions i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $codes) (local.get $dimensions)))
    (loop $more
      (i32.store16 (local.get $bits) (i8x16.bitmask (v128.load (local.get $codes))))
      (local.set $bits (i32.add (local.get $bits) (i32.const 2)))
      (br_if $more
        (i32.lt_u (local.tee $codes (i32.add (local.get $codes) (i32.const 16))) (local.get $end)))))

  ;; The inner products of `count` vectors of codes with a query, times the scale of each: floats at `out`.
  (func (export "similarities")
    (param $codes i32) (param $scales i32) (param $query i32) (param $out i32) (param $count i32) (param $dimensions i32)
    (local $a v128)
    (local $b v128)
    (local $c v128)
    (local $d v128)
    (local $low v128)
    (local $high v128)
    (local $second i32)
    (local $third i32)
    (local $fourth i32)
    (local $at i32)
    (local $asked i32)
    (block $few
      (loop $four
        (br_if $few (i32.lt_u (local.get $count) (i32.const 4)))
        (local.set $a (v128.const i64x2 0 0))
        (local.set $b (v128.const i64x2 0 0))
        (local.set $c (v128.const i64x2 0 0))
        (local.set $d (v128.const i64x2 0 0))
        (local.set $second (i32.add (local.get $codes) (local.get $dimensions)))
        (local.set $third (i32.add (local.get $second) (local.get $dimensions)))
        (local.set $fourth (i32.add (local.get $third) (local.get $dimensions)))
        (local.set $at (i32.const 0))
        (local.set $asked (local.get $query))
        (loop $part
          (local.set $low (v128.load (local.get $asked)))
          (local.set $high (v128.load offset=16 (local.get $asked)))
          (local.set $a
            (i32x4.add
              (i32x4.add
                (local.get $a)
                (i32x4.dot_i16x8_s
                  (v128.load8x8_s (i32.add (local.get $codes) (local.get $at)))
                  (local.get $low)))
              (i32x4.dot_i16x8_s
                (v128.load8x8_s offset=8 (i32.add (local.get $codes) (local.get $at)))
                (local.get $high))))
          (local.set $b
            (i32x4.add
              (i32x4.add
                (local.get $b)
                (i32x4.dot_i16x8_s
                  (v128.load8x8_s (i32.add (local.get $second) (local.get $at)))
                  (local.get $low)))
              (i32x4.dot_i16x8_s
                (v128.load8x8_s offset=8 (i32.add (local.get $second) (local.get $at)))
                (local.get $high))))
          (local.set $c
            (i32x4.add
              (i32x4.add
                (local.get $c)
                (i32x4.dot_i16x8_s
                  (v128.load8x8_s (i32.add (local.get $third) (local.get $at)))
                  (local.get $low)))
              (i32x4.dot_i16x8_s
                (v128.load8x8_s offset=8 (i32.add (local.get $third) (local.get $at)))
                (local.get $high))))
          (local.set $d
            (i32x4.add
              (i32x4.add
                (local.get $d)
                (i32x4.dot_i16x8_s
                  (v128.load8x8_s (i32.add (local.get $fourth) (local.get $at)))
                  (local.get $low)))
              (i32x4.dot_i16x8_s
                (v128.load8x8_s offset=8 (i32.add (local.get $fourth) (local.get $at)))
                (local.get $high))))
          (local.set $asked (i32.add (local.get $asked) (i32.const 32)))
          (br_if $part
            (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16))) (local.get $dimensions))))
        (call $scaled (local.get $out) (local.get $scales) (local.get $a))
        (call $scaled
          (i32.add (local.get $out) (i32.const 4)) (i32.add (local.get $scales) (i32.const 4)) (local.get $b))
        (call $scaled
          (i32.add (local.get $out) (i32.const 8)) (i32.add (local.get $scales) (i32.const 8)) (local.get $c))
        (call $scaled
          (i32.add (local.get $out) (i32.const 12)) (i32.add (local.get $scales) (i32.const 12)) (local.get $d))
        (local.set $codes (i32.add (local.get $fourth) (local.get $dimensions)))
        (local.set $out (i32.add (local.get $out) (i32.const 16)))
        (local.set $scales (i32.add (local.get $scales) (i32.const 16)))
        (local.set $count (i32.sub (local.get $count) (i32.const 4)))
        (br $four)))
    (block $none
      (loop $one
        (br_if $none (i32.eqz (local.get $count)))
        (f32.store (local.get $out)
          (f32.mul
            (f32.convert_i32_s (call $dot (local.get $codes) (local.get $query) (local.get $dimensions)))
            (f32.load (local.get $scales))))
        (local.set $codes (i32.add (local.get $codes) (local.get $dimensions)))
        (local.set $out (i32.add (local.get $out) (i32.const 4)))
        (local.set $scales (i32.add (local.get $scales) (i32.const 4)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $one))))

  (func $scaled (param $out i32) (param $scale i32) (param $sum v128)
    (f32.store (local.get $out)
      (f32.mul (f32.convert_i32_s (call $total (local.get $sum))) (f32.load (local.get $scale))))))
