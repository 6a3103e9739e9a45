// The inner loops of the hash, for WebAssembly. `kernel-js.ts` is the same in JavaScript, byte for byte.
//
// `node scripts/kernel.mjs` compiles this file into `kernel-code.ts`. All arguments are addresses or counts. The caller
// (`reduce.ts`) lays out the memory and leaves 64 bytes after each area, because loads are 16 bytes wide.

const ALL: v128 = i16x8.splat(255);

/** x / 255, rounded, for x up to 65025. */
// @ts-ignore: decorator
@inline function over255(x: u32): u32 {
  const t = x + 128;
  return (t + (t >> 8)) >> 8;
}

// @ts-ignore: decorator
@inline function over255x8(x: v128): v128 {
  const t = i16x8.add(x, i16x8.splat(128));
  return i16x8.shr_u(i16x8.add(t, i16x8.shr_u(t, 8)), 8);
}

// @ts-ignore: decorator
@inline function luma(r: u32, g: u32, b: u32): u32 {
  return (19595 * r + 38470 * g + 7471 * b + 32768) >> 16;
}

/** Four pixels. 38470 does not fit into 16 signed bits, and 38470 - 65536 does. The difference is green, 16 bits higher. */
// @ts-ignore: decorator
@inline function lumaX4(redGreen: v128, blue: v128, green: v128): v128 {
  const sum = i32x4.add(
    i32x4.add(
      i32x4.dot_i16x8_s(redGreen, i16x8(19595, -27066, 19595, -27066, 19595, -27066, 19595, -27066)),
      i32x4.dot_i16x8_s(blue, i16x8(7471, 0, 7471, 0, 7471, 0, 7471, 0)),
    ),
    i32x4.splat(32768),
  );
  return i32x4.add(i32x4.shr_s(sum, 16), green);
}

/**
 * Turns interleaved bytes into grey, 16 bits each, and with alpha also into grey on white and on black ground. Kinds: 1
 * grey, 2 grey and alpha, 3 RGB, 4 RGBA, 5 CMYK. Adds the sums of alpha and of grey times alpha to two doubles. Takes at
 * most 65,536 pixels at once. Returns 1 if all of them are opaque.
 */
export function grey(kind: i32, src: usize, count: i32, plain: usize, white: usize, black: usize, sums: usize): i32 {
  const zero = i16x8.splat(0);
  let opaque = ALL;
  let alphas = zero;
  let inks = zero;
  let done = 0;
  const channels: usize = kind == 5 ? 4 : kind;
  if (kind != 5) {
    for (; done + 8 <= count; done += 8) {
      let light = zero;
      let alpha = ALL;
      if (kind == 4) {
        const a = v128.load(src);
        const b = v128.load(src, 16);
        light = i16x8.narrow_i32x4_s(
          lumaX4(
            v128.shuffle<u8>(a, zero, 0, 16, 1, 16, 4, 16, 5, 16, 8, 16, 9, 16, 12, 16, 13, 16),
            v128.shuffle<u8>(a, zero, 2, 16, 16, 16, 6, 16, 16, 16, 10, 16, 16, 16, 14, 16, 16, 16),
            v128.shuffle<u8>(a, zero, 1, 16, 16, 16, 5, 16, 16, 16, 9, 16, 16, 16, 13, 16, 16, 16),
          ),
          lumaX4(
            v128.shuffle<u8>(b, zero, 0, 16, 1, 16, 4, 16, 5, 16, 8, 16, 9, 16, 12, 16, 13, 16),
            v128.shuffle<u8>(b, zero, 2, 16, 16, 16, 6, 16, 16, 16, 10, 16, 16, 16, 14, 16, 16, 16),
            v128.shuffle<u8>(b, zero, 1, 16, 16, 16, 5, 16, 16, 16, 9, 16, 16, 16, 13, 16, 16, 16),
          ),
        );
        alpha = i16x8.narrow_i32x4_u(i32x4.shr_u(a, 24), i32x4.shr_u(b, 24));
      } else if (kind == 3) {
        const a = v128.load(src);
        const b = v128.load(src, 12);
        light = i16x8.narrow_i32x4_s(
          lumaX4(
            v128.shuffle<u8>(a, zero, 0, 16, 1, 16, 3, 16, 4, 16, 6, 16, 7, 16, 9, 16, 10, 16),
            v128.shuffle<u8>(a, zero, 2, 16, 16, 16, 5, 16, 16, 16, 8, 16, 16, 16, 11, 16, 16, 16),
            v128.shuffle<u8>(a, zero, 1, 16, 16, 16, 4, 16, 16, 16, 7, 16, 16, 16, 10, 16, 16, 16),
          ),
          lumaX4(
            v128.shuffle<u8>(b, zero, 0, 16, 1, 16, 3, 16, 4, 16, 6, 16, 7, 16, 9, 16, 10, 16),
            v128.shuffle<u8>(b, zero, 2, 16, 16, 16, 5, 16, 16, 16, 8, 16, 16, 16, 11, 16, 16, 16),
            v128.shuffle<u8>(b, zero, 1, 16, 16, 16, 4, 16, 16, 16, 7, 16, 16, 16, 10, 16, 16, 16),
          ),
        );
      } else if (kind == 2) {
        const a = v128.load(src);
        light = v128.and(a, ALL);
        alpha = i16x8.shr_u(a, 8);
      } else {
        light = v128.load_ext<u8>(src);
      }
      v128.store(plain, light);
      if (kind == 2 || kind == 4) {
        const ink = i16x8.mul(light, alpha);
        const ground = i16x8.mul(i16x8.sub(ALL, alpha), ALL);
        v128.store(black, over255x8(ink));
        v128.store(white, over255x8(i16x8.add(ink, ground)));
        opaque = v128.and(opaque, alpha);
        alphas = i32x4.add(alphas, i32x4.extadd_pairwise_i16x8_u(alpha));
        inks = i32x4.add(inks, i32x4.extadd_pairwise_i16x8_u(ink));
      }
      src += channels * 8;
      plain += 16;
      white += 16;
      black += 16;
    }
  }
  let sumAlpha: f64 =
    <f64>(<u32>i32x4.extract_lane(alphas, 0)) + <f64>(<u32>i32x4.extract_lane(alphas, 1)) +
    <f64>(<u32>i32x4.extract_lane(alphas, 2)) + <f64>(<u32>i32x4.extract_lane(alphas, 3));
  let sumInk: f64 =
    <f64>(<u32>i32x4.extract_lane(inks, 0)) + <f64>(<u32>i32x4.extract_lane(inks, 1)) +
    <f64>(<u32>i32x4.extract_lane(inks, 2)) + <f64>(<u32>i32x4.extract_lane(inks, 3));
  let whole = i16x8.all_true(i16x8.eq(opaque, ALL)) ? 1 : 0;
  for (; done < count; done++) {
    let light: u32 = load<u8>(src);
    if (kind == 3 || kind == 4) light = luma(light, load<u8>(src, 1), load<u8>(src, 2));
    else if (kind == 5) {
      const paper: u32 = 255 - load<u8>(src, 3);
      light = luma(
        paper - over255(light * paper),
        paper - over255(load<u8>(src, 1) * paper),
        paper - over255(load<u8>(src, 2) * paper),
      );
    }
    store<u16>(plain, <u16>light);
    if (kind == 2 || kind == 4) {
      const alpha: u32 = load<u8>(src + channels - 1);
      const ink = light * alpha;
      store<u16>(black, <u16>over255(ink));
      store<u16>(white, <u16>over255(ink + 255 * (255 - alpha)));
      if (alpha != 255) whole = 0;
      sumAlpha += <f64>alpha;
      sumInk += <f64>ink;
    }
    src += channels;
    plain += 2;
    white += 2;
    black += 2;
  }
  store<f64>(sums, load<f64>(sums) + sumAlpha);
  store<f64>(sums, load<f64>(sums, 8) + sumInk, 8);
  return whole;
}

/** Whether two stretches of bytes are equal. */
export function same(a: usize, b: usize, count: i32): i32 {
  let done = 0;
  for (; done + 16 <= count; done += 16)
    if (v128.any_true(v128.xor(v128.load(a + done), v128.load(b + done)))) return 0;
  for (; done < count; done++) if (load<u8>(a + done) != load<u8>(b + done)) return 0;
  return 1;
}

// @ts-ignore: decorator
@inline function sum(v: v128): i32 {
  return i32x4.extract_lane(v, 0) + i32x4.extract_lane(v, 1) + i32x4.extract_lane(v, 2) + i32x4.extract_lane(v, 3);
}

// @ts-ignore: decorator
@inline function byte(high: v128, low: v128): u8 {
  return <u8>max(0, min(255, ((sum(high) << 8) + sum(low) + (1 << 21)) >> 22));
}

/**
 * Reduces a row of grey to n bytes. `taps` describes each of them: first pixel and number of blocks (two 32-bit
 * numbers), then 8 unused bytes. For each block of eight pixels it then holds the high parts of the weights (16 signed
 * bits), and their low 8 bits.
 */
export function horizontal(row: usize, taps: usize, n: i32, out: usize): void {
  for (let i = 0; i < n; i++) {
    let at = row + (<usize>load<i32>(taps) << 1);
    const blocks = load<i32>(taps, 4);
    taps += 16;
    let high = i32x4.splat(0);
    let low = i32x4.splat(0);
    for (let b = 0; b < blocks; b++) {
      const v = v128.load(at);
      high = i32x4.add(high, i32x4.dot_i16x8_s(v, v128.load(taps)));
      low = i32x4.add(low, i32x4.dot_i16x8_s(v, v128.load(taps, 16)));
      at += 16;
      taps += 32;
    }
    store<u8>(out + i, byte(high, low));
  }
}

/**
 * Does `horizontal` for three rows that are `step` bytes apart, and their outputs `outStep` bytes. The weights are
 * fetched only once.
 */
export function horizontal3(row: usize, step: usize, taps: usize, n: i32, out: usize, outStep: usize): void {
  for (let i = 0; i < n; i++) {
    let at = row + (<usize>load<i32>(taps) << 1);
    const blocks = load<i32>(taps, 4);
    taps += 16;
    let high1 = i32x4.splat(0);
    let high2 = i32x4.splat(0);
    let high3 = i32x4.splat(0);
    let low1 = i32x4.splat(0);
    let low2 = i32x4.splat(0);
    let low3 = i32x4.splat(0);
    for (let b = 0; b < blocks; b++) {
      const high = v128.load(taps);
      const low = v128.load(taps, 16);
      const v1 = v128.load(at);
      const v2 = v128.load(at + step);
      const v3 = v128.load(at + step + step);
      high1 = i32x4.add(high1, i32x4.dot_i16x8_s(v1, high));
      low1 = i32x4.add(low1, i32x4.dot_i16x8_s(v1, low));
      high2 = i32x4.add(high2, i32x4.dot_i16x8_s(v2, high));
      low2 = i32x4.add(low2, i32x4.dot_i16x8_s(v2, low));
      high3 = i32x4.add(high3, i32x4.dot_i16x8_s(v3, high));
      low3 = i32x4.add(low3, i32x4.dot_i16x8_s(v3, low));
      at += 16;
      taps += 32;
    }
    store<u8>(out + i, byte(high1, low1));
    store<u8>(out + i + outStep, byte(high2, low2));
    store<u8>(out + i + outStep + outStep, byte(high3, low3));
  }
}

/** Multiplies n bytes by each of `count` weights, and adds them to as many rows of n 32-bit sums. */
export function vertical(row: usize, n: i32, sums: usize, weights: usize, count: i32): void {
  for (let i = 0; i < count; i++) {
    const weight = i32x4.splat(load<i32>(weights + (<usize>i << 2)));
    let x = 0;
    // n is a multiple of 4.
    for (; x < n; x += 4) {
      const v = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(row + x)));
      v128.store(sums, i32x4.add(v128.load(sums), i32x4.mul(v, weight)));
      sums += 16;
    }
  }
}
