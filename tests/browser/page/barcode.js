// SPDX-License-Identifier: MIT
// A frame number that machines read: a strip over the top tenth of the picture,
// 44 cells of equal width: white, black, 32 bits (most significant first),
// 8 bits of CRC-8, black, white. The checksum tells a damaged picture from a
// wrong number.
export const CELLS = 44;
export const STRIP = 0.1; // of the picture's height

function crc8(number) {
  let crc = 0x5a;
  for (let shift = 24; shift >= 0; shift -= 8) {
    crc ^= (number >>> shift) & 255;
    for (let k = 0; k < 8; k++) crc = crc & 128 ? ((crc << 1) ^ 0x07) & 255 : (crc << 1) & 255;
  }
  return crc;
}

/** The 44 cells of a number, 1 is white. */
export function cells(number) {
  const bits = [1, 0];
  for (let i = 31; i >= 0; i--) bits.push((number >>> i) & 1);
  const crc = crc8(number);
  for (let i = 7; i >= 0; i--) bits.push((crc >> i) & 1);
  return [...bits, 0, 1];
}

/** The number in one luma value per cell; null when there is none to read. */
export function read(luma) {
  const white = (luma[0] + luma[43]) / 2;
  const black = (luma[1] + luma[42]) / 2;
  if (white - black < 60) return null;
  const bit = (i) => (luma[i] > (white + black) / 2 ? 1 : 0);
  let number = 0;
  let crc = 0;
  for (let i = 0; i < 32; i++) number = number * 2 + bit(2 + i);
  for (let i = 0; i < 8; i++) crc = crc * 2 + bit(34 + i);
  return crc8(number) === crc ? number : null;
}
