/** A `DO` block with a dollar tag that the body does not contain, whatever names the body holds. */
export function dollarBlock(body: string): string {
  let tag = "$guard$";
  for (let number = 1; body.includes(tag); number++) tag = `$guard${number}$`;
  return `do ${tag} begin ${body} end ${tag}`;
}
