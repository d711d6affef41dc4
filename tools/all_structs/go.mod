module allstructs

go 1.19
