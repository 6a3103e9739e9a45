export const revises = ["005_add_chat", "006_add_embeddings"];

// Joins the two branches; the tables of both are independent of each other.
export async function upgrade(): Promise<void> {}

export async function downgrade(): Promise<void> {}
