export default function Page() {
  return (
    <main>
      <h1>Brands in Blooms</h1>
      <p>Flowers, by the people who grow them.</p>
    </main>
  );
}
