// Which cell lies in a direction, as they are seen on the screen.

/** @typedef {Pick<DOMRect, "left" | "right" | "top" | "bottom">} Box */

/**
 * The number of the box that lies next in a direction (one of right and down is 1 or -1, the other 0); -1 where there is none. Sideways only
 * what stands in the same line counts; up and down what lies straight above or below comes first.
 * @param {Box} from
 * @param {Box[]} boxes
 * @param {number} right
 * @param {number} down
 */
export function nearest(from, boxes, right, down) {
  /** @param {Box} box */
  const centre = (box) => ({ x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2 });
  const { x, y } = centre(from);
  let best = -1;
  let least = Infinity;
  for (const [number, box] of boxes.entries()) {
    const [dx, dy] = [centre(box).x - x, centre(box).y - y];
    const along = right * dx + down * dy;
    const beside = Math.abs(down * dx + right * dy);
    const overlaps = right ? box.top < from.bottom && box.bottom > from.top : box.left < from.right && box.right > from.left;
    const beyond = right > 0
      ? box.left - from.right
      : right < 0
      ? from.left - box.right
      : down > 0
      ? box.top - from.bottom
      : from.top - box.bottom;
    if (beyond < -4 || (right && !overlaps)) continue;
    const cost = along + 3 * beside + (overlaps ? 0 : 1e4);
    if (cost < least) [best, least] = [number, cost];
  }
  return best;
}
