module github.com/tianjillm/tianjillm/migrations

go 1.26.0
