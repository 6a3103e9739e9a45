/** The style and the script of the contact sheet. */
export const SHEET_STYLE = `
:root{--ground:#f5f6f4;--card:#fff;--ink:#1c2321;--soft:#66706c;--line:#dfe3e0;--accent:#0b6e4f;--tint:#e5f3ec;--check:#c8cdca;--check2:#e9ecea}
@media(prefers-color-scheme:dark){:root{--ground:#141817;--card:#1d2322;--ink:#e8ecea;--soft:#96a19d;--line:#303836;--accent:#5fd3a8;--tint:#17362b;--check:#8d9391;--check2:#a5abaa}}
*{box-sizing:border-box}
html{scroll-padding-top:7.5rem}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
header{position:sticky;top:0;z-index:2;background:var(--ground);border-bottom:1px solid var(--line);padding:.9rem max(1.25rem,calc(50vw - 46rem)) .7rem}
.top{display:flex;flex-wrap:wrap;align-items:baseline;gap:.2rem 1rem}
h1{font-size:1.35rem;margin:0;letter-spacing:-.01em}
.figures,.lead,.notes,h3 span{color:var(--soft);margin:0}
nav{display:flex;flex-wrap:wrap;gap:.5rem;margin-top:.65rem}
nav a,#filter{font:inherit;font-size:.87rem;border:1px solid var(--line);border-radius:2rem;padding:.25rem .8rem;background:var(--card);color:inherit;text-decoration:none}
nav a:hover,nav a:focus-visible{border-color:var(--accent)}
#filter{flex:1;min-width:9rem;max-width:22rem;margin-left:auto}
b{font-weight:600;color:var(--accent);font-variant-numeric:tabular-nums}
main{max-width:92rem;margin:0 auto;padding:1.1rem 1.25rem 4rem}
.notes{font-size:.87rem;margin-bottom:1rem}
section{margin-bottom:2.5rem}
h2{font-size:1.1rem;margin:0}
.lead{margin-bottom:.9rem}
article{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:.85rem 1rem 1rem;margin-bottom:1rem;content-visibility:auto;contain-intrinsic-size:auto 24rem}
article:target{border-color:var(--accent)}
h3{font-size:.95rem;font-weight:400;margin:0 0 .7rem}
h3 a{color:inherit;font-weight:600;text-decoration:none;margin-right:.4rem}
.files{display:grid;grid-template-columns:repeat(auto-fill,minmax(12.5rem,1fr));gap:.9rem}
.pairs{display:grid;grid-template-columns:repeat(auto-fill,minmax(27rem,1fr));gap:1rem}
.pairs article{margin:0}.pairs .files{grid-template-columns:1fr 1fr}
figure{margin:0;min-width:0}
.picture{position:relative;aspect-ratio:1;border-radius:.5rem;overflow:hidden;border:1px solid var(--line);background:repeating-conic-gradient(var(--check) 0 25%,var(--check2) 0 50%) 0 0/18px 18px}
.suggested .picture{outline:2px solid var(--accent);outline-offset:1px}
.picture img{position:absolute;inset:0;width:100%;height:100%;object-fit:contain}
.blank{position:absolute;inset:0;display:grid;place-items:center;background:var(--card);color:var(--soft);font-size:.82rem}
em{position:absolute;left:.45rem;top:.45rem;font:600 .72rem/1 system-ui,sans-serif;padding:.3rem .5rem;border-radius:1rem;background:#0b6e4f;color:#fff}
em+em{left:auto;right:.45rem}em.kept{background:#1f4e9c}
figcaption{display:flex;flex-direction:column;gap:.1rem;margin-top:.45rem;font-size:.82rem;color:var(--soft)}
figcaption strong{color:var(--ink);font-size:.87rem;font-weight:600}
figcaption strong,.path{overflow-wrap:anywhere}
.id{font-variant-numeric:tabular-nums}
footer{display:flex;flex-wrap:wrap;gap:.5rem 1rem;margin-top:.9rem;padding-top:.7rem;border-top:1px solid var(--line)}
.command{display:inline-flex;align-items:baseline;gap:.45rem;max-width:100%;font-size:.82rem}
.command i{font-style:normal;color:var(--soft);white-space:nowrap}
code{font:.72rem/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;background:var(--tint);color:var(--ink);border-radius:.3rem;padding:.15rem .4rem;overflow-wrap:anywhere;user-select:all}
figcaption .command{margin-top:.25rem;flex-wrap:wrap}
.copies code{cursor:pointer}.copies code:hover{outline:1px solid var(--accent)}code.copied{background:var(--accent);color:var(--card)}
.empty{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:3rem 1rem;text-align:center;color:var(--soft)}
.empty strong{display:block;color:var(--ink);font-size:1.1rem}
@media(max-width:34rem){.pairs{grid-template-columns:1fr}.files{grid-template-columns:1fr 1fr}}
@media print{header{position:static}article{break-inside:avoid}}
`;

export const SHEET_SCRIPT = `
const filter = document.getElementById("filter");
filter.hidden = false;
filter.oninput = () => {
  const wanted = filter.value.toLowerCase();
  for (const one of document.querySelectorAll("article")) one.hidden = !one.textContent.toLowerCase().includes(wanted);
};
document.onkeydown = (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target === filter) { if (event.key === "Escape") { filter.value = ""; filter.oninput(); filter.blur(); } return; }
  if (event.key === "/") { event.preventDefault(); filter.focus(); return; }
  if (event.key !== "j" && event.key !== "k") return;
  const all = [...document.querySelectorAll("article:not([hidden])")];
  const edge = document.querySelector("header").offsetHeight + 12;
  const next = event.key === "j"
    ? all.find((one) => one.getBoundingClientRect().top > edge + 4)
    : all.findLast((one) => one.getBoundingClientRect().top < edge - 4);
  if (next) scrollTo({ top: scrollY + next.getBoundingClientRect().top - edge });
};
if (navigator.clipboard) {
  document.body.classList.add("copies");
  document.onclick = async (event) => {
    const code = event.target.closest("code");
    if (!code) return;
    await navigator.clipboard.writeText(code.textContent).catch(() => {});
    code.classList.add("copied");
    setTimeout(() => code.classList.remove("copied"), 900);
  };
}
`;
