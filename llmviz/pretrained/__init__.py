"""Real models through the same glass: the weights of GPT-2, Llama and BERT models, run by our own block. Lesson 10."""
