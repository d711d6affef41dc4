module ops

go 1.24
