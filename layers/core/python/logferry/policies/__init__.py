"""What a task's user must grant in a cloud's access control: policies as documents, and where to put each."""
