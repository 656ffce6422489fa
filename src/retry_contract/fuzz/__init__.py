"""What Hypothesis generates: payloads that keep a contract, and payloads with one defect."""
