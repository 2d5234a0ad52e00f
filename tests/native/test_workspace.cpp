// The workspace: aligned, released by scopes, and the same memory on every pass.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/base/workspace.hpp"
#include "core/base/workspace_pool.hpp"

using namespace lstm_native;

namespace {

bool aligned(const void* p) { return reinterpret_cast<std::uintptr_t>(p) % kCacheLine == 0; }

/// Takes blocks of many sizes, some beyond any block there is, and fills them.
std::vector<char*> one_pass(Workspace& workspace) {
  std::vector<char*> taken;
  for (const Index size : {1, 63, 64, 65, 70000, 0, 5, 200000, 4096, 130000}) {
    char* p = workspace.take<char>(size);
    std::fill_n(p, size, static_cast<char>(taken.size()));
    taken.push_back(p);
  }
  return taken;
}

}  // namespace

TEST_CASE("workspace: what is handed out is aligned and does not overlap") {
  Workspace workspace;
  std::vector<std::pair<char*, Index>> taken;
  for (Index i = 0; i < 300; ++i) {
    const Index size = i * i * 7 % 5000 + 1;
    char* p = workspace.take<char>(size);
    REQUIRE(aligned(p));
    std::fill_n(p, size, static_cast<char>(i));
    taken.emplace_back(p, size);
  }
  for (Index i = 0; i < 300; ++i) {
    const auto [p, size] = taken[static_cast<std::size_t>(i)];
    REQUIRE(std::count(p, p + size, static_cast<char>(i)) == size);
  }
  CHECK(aligned(workspace.take<double>(3)));
}

TEST_CASE("workspace: after the first pass the memory is the same on every pass") {
  Workspace workspace;
  one_pass(workspace);
  workspace.reset();
  const auto first = one_pass(workspace);
  for (int pass = 0; pass < 3; ++pass) {
    workspace.reset();
    CHECK(one_pass(workspace) == first);
  }
  // One block holds it all: addresses ascend.
  CHECK(std::is_sorted(first.begin(), first.end()));
}

TEST_CASE("workspace: a scope gives back what was taken in it, and no more") {
  Workspace workspace;
  int* before = workspace.take<int>(10);
  before[9] = 42;
  int* inside = nullptr;
  {
    const Workspace::Scope scope(workspace);
    inside = workspace.take<int>(10);
    {
      const Workspace::Scope inner(workspace);
      int* nested = workspace.take<int>(10);
      CHECK(nested != inside);
    }
    CHECK(workspace.take<int>(10) != inside);
  }
  CHECK(workspace.take<int>(10) == inside);
  CHECK(before[9] == 42);
}

TEST_CASE("workspace: a scope that began in an earlier block leads back to it") {
  Workspace workspace;
  workspace.take<char>(100);
  char* small = nullptr;
  char* large = nullptr;
  for (int pass = 0; pass < 2; ++pass) {
    const Workspace::Scope scope(workspace);
    char* again = workspace.take<char>(100);
    char* far = workspace.take<char>(1000000);  // beyond the first block
    if (pass == 1) {
      CHECK(again == small);
      CHECK(far == large);
    }
    small = again;
    large = far;
  }
}

TEST_CASE("workspace: zeros are zeros in memory that was used before") {
  Workspace workspace;
  std::fill_n(workspace.take<double>(100), 100, 7.0);
  workspace.reset();
  const double* zeros = workspace.take_zeros<double>(100);
  CHECK(std::count(zeros, zeros + 100, 0.0) == 100);
}

TEST_CASE("workspace pool: the same work finds its memory again, in as many as run at once") {
  WorkspacePool pool;
  auto a = pool.borrow(10), b = pool.borrow(10);
  REQUIRE(a.get() != b.get());
  Workspace* const first = a.get();
  const char* const memory = a->take<char>(Index{8} << 20);
  pool.give_back(std::move(a));
  a = pool.borrow(10);
  CHECK(a.get() == first);
  a->take<char>(100);
  CHECK(a->bytes() >= std::size_t{8} << 20);
  pool.give_back(std::move(a));
  a = pool.borrow(10);
  CHECK(a->take<char>(Index{8} << 20) == memory);
}

TEST_CASE("workspace pool: hoards neither for other work, nor for a crowd that has gone") {
  constexpr Index kLarge = Index{8} << 20;
  WorkspacePool pool;
  const auto use = [&pool](Index rows, Index bytes, int at_once) {
    std::vector<std::unique_ptr<Workspace>> all;
    for (int i = 0; i < at_once; ++i) {
      all.push_back(pool.borrow(rows));
      all.back()->take<char>(bytes);
    }
    for (auto& workspace : all) pool.give_back(std::move(workspace));
  };
  const auto kept = [&pool](Index rows) {
    std::size_t bytes = 0;
    std::vector<std::unique_ptr<Workspace>> all;
    do {
      all.push_back(pool.borrow(rows));
      bytes += all.back()->bytes();
    } while (all.back()->bytes() > 0);
    return bytes;
  };
  use(10, kLarge, 5);
  CHECK(kept(10) < 2 * std::size_t{kLarge});
  use(10, kLarge, 1);
  CHECK(kept(11) < std::size_t{kLarge});
  use(10, 100, 50);
  CHECK(kept(10) < std::size_t{1} << 20);
}
