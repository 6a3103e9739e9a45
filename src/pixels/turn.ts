/** Which place of a square of `side` x `side` is seen at `place` if the picture is oriented as EXIF says. */
export function turnedPlace(
  place: number,
  { side, orientation }: { readonly side: number; readonly orientation: number },
): number {
  const last = side - 1;
  let [y, x] = [Math.floor(place / side), place % side];
  // Orientations 5 to 8 lie on their side.
  if (orientation >= 5 && orientation <= 8) [x, y] = [y, x];
  if ([2, 3, 7, 8].includes(orientation)) x = last - x;
  if ([3, 4, 6, 7].includes(orientation)) y = last - y;
  return y * side + x;
}
